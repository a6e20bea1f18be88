"""OME-Zarr metadata: which arrays of a folder are the levels of an image, what their axes are, and how large a pixel is.

Images as described by OME-NGFF 0.4 (zarr format 2) and 0.5 (zarr format 3), https://ngff.openmicroscopy.org; also versions before.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minunet.errors import UserError
from minunet.files.json_files import is_finite_number, read_json
from minunet.wording import join_names, shorten

ENDING = ".zarr"
OME_ENDING = ".ome.zarr"
_GROUP, _ATTRIBUTES, _ARRAY, _FORMAT_3 = ".zgroup", ".zattrs", ".zarray", "zarr.json"
_SIGNS = (_FORMAT_3, _GROUP, _ATTRIBUTES, _ARRAY)
_WITHOUT_AXES = ("t", "c", "z", "y", "x")  # of versions before 0.3
# Of UDLENGTH_UNITS-2, as OME-NGFF names them.
LENGTH_UNITS = {
    "nanometer": 1e-3,
    "micrometer": 1.0,
    "millimeter": 1e3,
    "centimeter": 1e4,
    "meter": 1e6,
    "angstrom": 1e-4,
}
EXPORT = "export the image again, with bioformats2raw or ome-zarr for example"


def is_zarr(path: str | os.PathLike[str]) -> bool:
    """Whether a path is that of a folder which holds one Zarr: named so, or with the files of one."""
    folder = os.fspath(path)
    if not os.path.isdir(folder):
        return False
    name = os.path.basename(os.path.abspath(folder))
    return name.lower().endswith(ENDING) or any(os.path.isfile(os.path.join(folder, sign)) for sign in _SIGNS)


@dataclass(frozen=True)
class ZarrMetadata:
    """The metadata of an image.

    Attributes
    ----------
    image : Path
        The folder of the image; below the one that was given where that holds a series of images.
    axes : sequence of str
        The names of the axes of each array, such as "c", "y", "x".
    levels : list of str
        The folders of the arrays, the largest first, relative to `image`.
    sides : (float, float) or None
        Height and width of a pixel of the largest one in micrometres, where the units are lengths.
    images : int
        How many images the folder holds; the first one is described.
    """

    image: Path
    axes: Sequence[str]
    levels: list[str]
    sides: tuple[float, float] | None
    images: int = 1

    @classmethod
    def read(cls, path: Path) -> ZarrMetadata:
        """Read the metadata of a folder.

        Raises
        ------
        UserError
            If it holds no OME-Zarr image.
        """
        attributes = _attributes(path)
        images = 1
        if "bioformats2raw.layout" in attributes and "multiscales" not in attributes:
            path, images = _first_series(path)
            attributes = _attributes(path)
        for word, example in (("plate", "A/1/0"), ("well", "0")):
            if word in attributes:
                raise UserError(
                    f"{path} is an OME-Zarr {word} of several images: give one of them, such as {path / example}."
                )
        scales = attributes.get("multiscales")
        if not isinstance(scales, list) or not scales or not isinstance(scales[0], dict):
            raise UserError(f"{path} is a Zarr without an OME-Zarr image (no multiscales): {EXPORT}.")
        axes, units = _axes(path, scales[0].get("axes"))
        datasets = scales[0].get("datasets")
        if not isinstance(datasets, list) or not datasets:
            raise UserError(f"{path} is damaged (its multiscales have no datasets): {EXPORT}.")
        levels = [_level(path, dataset) for dataset in datasets]
        return cls(path, axes, levels, _sides(scales[0], datasets[0], axes, units), images)


def _attributes(path: Path) -> Mapping[str, Any]:
    """The OME attributes of a group."""
    if os.path.isfile(path / _FORMAT_3):
        document = read_json(path / _FORMAT_3)
        is_array = isinstance(document, dict) and document.get("node_type") == "array"
        attributes = document.get("attributes", {}) if isinstance(document, dict) else None
        if isinstance(attributes, dict):
            attributes = attributes.get("ome", attributes)
    elif os.path.isfile(path / _ARRAY):
        is_array, attributes = True, {}
    elif os.path.isfile(path / _ATTRIBUTES):
        is_array, attributes = False, read_json(path / _ATTRIBUTES)
    elif os.path.isfile(path / _GROUP):
        is_array, attributes = False, {}
    else:
        raise UserError(
            f"{path} is not a Zarr, it has neither {_FORMAT_3} nor {_ATTRIBUTES}: copy or export it again, as a whole folder."
        )
    if is_array:
        raise UserError(
            f"{path} is a Zarr array without the metadata of an image: give the OME-Zarr folder that it is in."
        )
    if not isinstance(attributes, dict):
        raise UserError(f"{path} is damaged (its attributes are no JSON object): {EXPORT}.")
    return attributes


def _first_series(path: Path) -> tuple[Path, int]:
    """The first image of what bioformats2raw wrote, and how many there are."""
    names = sorted((name for name in os.listdir(path) if name.isdecimal()), key=int)
    if not names:
        raise UserError(f"{path} holds no image (no folder 0, as bioformats2raw writes it): {EXPORT}.")
    return path / names[0], len(names)


def _axes(path: Path, stored: Any) -> tuple[tuple[str, ...], list[Any]]:
    """The names of the axes, and their units."""
    if stored is None:
        return _WITHOUT_AXES, [None] * len(_WITHOUT_AXES)
    entries = [{"name": axis} if isinstance(axis, str) else axis for axis in stored] if isinstance(stored, list) else []
    names = tuple(str(entry.get("name")) if isinstance(entry, dict) else "?" for entry in entries)
    if len(set(names)) != len(names) or not {"x", "y"} <= set(names):
        found = shorten(join_names(names)) if names else "none"
        raise UserError(
            f"{path} has the axes {found}: an image has x and y, and at most t, c and z beside them: {EXPORT}."
        )
    return names, [entry.get("unit") for entry in entries]


def _level(path: Path, dataset: Any) -> str:
    """The folder of a level, which lies in the Zarr."""
    name = dataset.get("path") if isinstance(dataset, dict) else None
    if not isinstance(name, str) or name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/"):
        raise UserError(f"{path} is damaged (a level of its multiscales has no usable path): {EXPORT}.")
    return name


def _sides(
    scales: Mapping[str, Any], dataset: Mapping[str, Any], axes: Sequence[str], units: Sequence[Any]
) -> tuple[float, float] | None:
    """Height and width of a pixel in micrometres: the product of the scales of the level and of the whole image."""
    factors = [1.0] * len(axes)
    known = False
    for part in (dataset, scales):
        transformations = part.get("coordinateTransformations")
        for entry in transformations if isinstance(transformations, list) else []:
            scale = entry.get("scale") if isinstance(entry, dict) and entry.get("type") == "scale" else None
            if isinstance(scale, list) and len(scale) == len(axes) and all(map(is_finite_number, scale)):
                factors, known = [factor * value for factor, value in zip(factors, scale, strict=True)], True
    places = axes.index("y"), axes.index("x")
    names = [units[place] for place in places]
    if not known or not all(isinstance(unit, str) and unit in LENGTH_UNITS for unit in names):
        return None
    height, width = (factors[place] * LENGTH_UNITS[unit] for place, unit in zip(places, names, strict=True))
    return height, width
