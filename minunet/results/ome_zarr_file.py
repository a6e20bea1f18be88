"""OME-Zarr files: an image with the labels of its cells as an OME-Zarr folder, written some rows at a time.

OME-NGFF 0.4 in zarr format 2, which napari, QuPath, Fiji and OMERO read. The labels are in the group `labels/cells`; viewers look
for labels below an image only, so that the image is copied beside them.
"""

from __future__ import annotations

import colorsys
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from minunet.errors import UserError

VERSION = "0.4"  # of OME-NGFF
LABELS = "cells"
CHUNK = 512  # pixels
SMALLEST = 256  # pixels: a level whose sides are not longer is the last one
MOST_COLOURED = 65_535  # labels whose colours are listed
GOLDEN = 0.618034  # of the circle of hues: neighbours in number differ
_RGB = (("red", "FF0000"), ("green", "00FF00"), ("blue", "0000FF"))

Bands = Callable[[int], Iterable[np.ndarray]]  # of the rows of a band: the rows of an image, about so many at a time
Colour = tuple[int, int, int]


def zarr_package() -> Any:
    """The package zarr.

    Raises
    ------
    UserError
        If it is not installed.
    """
    try:
        import zarr  # an extra, which takes half a second
    except ImportError as error:
        raise UserError(
            "an OME-Zarr needs zarr, which is not installed: python -m pip install 'minunet[zarr]'."
        ) from error
    return zarr


def write_ome_zarr(
    folder: Path,
    image: Bands,
    labels: Bands,
    shape: tuple[int, int],
    name: str,
    pixel_size: float | None = None,
    colours: dict[int, Colour] | None = None,
    cells: int = 0,
) -> None:
    """Write an image and its labels.

    Parameters
    ----------
    folder : Path
        Made here.
    image : callable
        Gives its rows, uint8 or uint16, (h, W) or (h, W, 3), from top to bottom, for a number of rows.
    labels : callable
        Gives the rows of the numbers of the cells, (h, W) int32.
    shape : (H, W)
    name : str
        Of the image.
    pixel_size : float, optional
        The side of a pixel in micrometres.
    colours : dict of int to (R, G, B), optional
        Of cells, by their numbers; by default every cell has one of its own.
    cells : int
        How many there are.
    """
    zarr = zarr_package()
    group = zarr.open_group(os.fspath(folder), mode="w", zarr_format=2)
    colour, white = _write_levels(group, image(CHUNK), shape, _mean)
    group.attrs.update({"multiscales": [_multiscales(shape, name, pixel_size, colour)], "omero": _omero(colour, white)})
    group.create_group("labels").attrs["labels"] = [LABELS]
    inner = group["labels"].create_group(LABELS)
    _write_levels(inner, (rows.astype(np.uint32) for rows in labels(CHUNK)), shape, _every_second)
    if colours is None:
        colours = {number: _own_colour(number) for number in range(1, min(cells, MOST_COLOURED) + 1)}
    listed = [
        {"label-value": number, "rgba": [*rgb, 255]} for number, rgb in colours.items() if number <= MOST_COLOURED
    ]
    described: dict[str, Any] = {"version": VERSION, "source": {"image": "../../"}}
    inner.attrs.update(
        {
            "multiscales": [_multiscales(shape, LABELS, pixel_size, False)],
            "image-label": described | ({"colors": listed} if listed else {}),
        }
    )


def level_shapes(shape: tuple[int, int]) -> list[tuple[int, int]]:
    """The sizes (H, W) of the levels: each half of the one before, rounded up."""
    shapes = [shape]
    while max(shapes[-1]) > SMALLEST:
        height, width = shapes[-1]
        shapes.append((-(-height // 2), -(-width // 2)))
    return shapes


def _write_levels(
    group: Any, rows: Iterable[np.ndarray], shape: tuple[int, int], half: Callable[[np.ndarray], np.ndarray]
) -> tuple[bool, int]:
    """Write all levels of an image; returns whether it is in colour, and its largest number."""
    levels: list[_LevelRows] = []
    for part in rows:
        levels = levels or [_LevelRows(group, k, size, part) for k, size in enumerate(level_shapes(shape))]
        _add(levels, part, half)
    for number, level in enumerate(levels):
        for full in level.rest():
            _add(levels[number + 1 :], half(full), half)
    return levels[0].colour, int(np.iinfo(levels[0].dtype).max)


def _add(levels: list[_LevelRows], rows: np.ndarray, half: Callable[[np.ndarray], np.ndarray]) -> None:
    """Add rows to the first level, and what they are halved to, to those below."""
    if levels:
        for full in levels[0].add(rows):
            _add(levels[1:], half(full), half)


class _LevelRows:
    """The rows of a level, which are written a row of chunks at a time.

    Parameters
    ----------
    group : zarr.Group
    number : int
        Of the level.
    shape : (H, W)
    example : ndarray
        Rows of the image.
    """

    def __init__(self, group: Any, number: int, shape: tuple[int, int], example: np.ndarray):
        import numcodecs

        self.colour, self.dtype = example.ndim == 3, example.dtype
        self._held: list[np.ndarray] = []
        self._top = 0
        chunks = min(CHUNK, shape[0]), min(CHUNK, shape[1])
        self._array = group.create_array(
            str(number),
            shape=(3, *shape) if self.colour else shape,
            chunks=(1, *chunks) if self.colour else chunks,
            dtype=example.dtype,
            compressors=numcodecs.Zlib(1),  # which every reader knows
            chunk_key_encoding={"name": "v2", "separator": "/"},
        )

    def add(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        """Hold rows, and write the rows of chunks that are complete; gives them."""
        self._held.append(rows)
        while sum(map(len, self._held)) >= CHUNK:
            held = np.concatenate(self._held)
            self._held = [held[CHUNK:]]
            yield self._written(held[:CHUNK])

    def rest(self) -> Iterator[np.ndarray]:
        """Write what is left at the end; gives it."""
        held = np.concatenate(self._held) if self._held else np.zeros(0)
        self._held = []
        if len(held):
            yield self._written(held)

    def _written(self, rows: np.ndarray) -> np.ndarray:
        place = slice(self._top, self._top + len(rows))
        if self.colour:
            self._array[:, place] = np.moveaxis(rows, -1, 0)
        else:
            self._array[place] = rows
        self._top += len(rows)
        return rows


def _mean(rows: np.ndarray) -> np.ndarray:
    """Every 2x2 pixels as one; at an odd edge the last ones count twice."""
    height, width = rows.shape[:2]
    padded = np.pad(rows, ((0, height % 2), (0, width % 2), *[(0, 0)] * (rows.ndim - 2)), mode="edge").astype(np.uint32)
    total = padded[::2, ::2] + padded[1::2, ::2] + padded[::2, 1::2] + padded[1::2, 1::2]
    return ((total + 2) // 4).astype(rows.dtype)


def _every_second(rows: np.ndarray) -> np.ndarray:
    """Every second row and column: the mean of two numbers of cells is none."""
    return rows[::2, ::2]


def _multiscales(shape: tuple[int, int], name: str, pixel_size: float | None, colour: bool) -> dict[str, Any]:
    """The metadata of the levels."""
    unit = {} if pixel_size is None else {"unit": "micrometer"}
    axes: list[dict[str, str]] = [{"name": "c", "type": "channel"}] if colour else []
    axes += [{"name": axis, "type": "space", **unit} for axis in "yx"]
    datasets = []
    for number in range(len(level_shapes(shape))):
        side = 2**number * (pixel_size or 1.0)
        scale = [*([1.0] if colour else []), side, side]
        datasets.append({"path": str(number), "coordinateTransformations": [{"type": "scale", "scale": scale}]})
    return {"version": VERSION, "name": name, "axes": axes, "datasets": datasets}


def _omero(colour: bool, white: int) -> dict[str, Any]:
    """How viewers show the channels."""
    window = {"start": 0, "end": white, "min": 0, "max": white}
    channels = _RGB if colour else (("grey", "FFFFFF"),)
    return {
        "version": VERSION,
        "channels": [{"label": label, "color": code, "active": True, "window": window} for label, code in channels],
        "rdefs": {"model": "color" if colour else "greyscale"},
    }


def _own_colour(number: int) -> Colour:
    """A colour that differs from those of the cells with the next numbers."""
    red, green, blue = colorsys.hsv_to_rgb(number * GOLDEN % 1, 0.75, 0.95)
    return round(255 * red), round(255 * green), round(255 * blue)
