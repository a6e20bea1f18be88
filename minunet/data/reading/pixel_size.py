"""Pixel size: how many micrometres a pixel is wide, where an image file says so and can be believed.

Programs write a resolution into most files, often that of a screen or of a printer, which says nothing about the microscope.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

from PIL import UnidentifiedImageError

from minunet.data.reading.pillow_files import open_with_pillow, pillow_warnings_ignored
from minunet.data.reading.zarr_metadata import ZarrMetadata, is_zarr
from minunet.files.reading import open_regular

SMALLEST, LARGEST = 0.01, 20.0  # micrometres: a microscope's; a screen of 72 dpi has 353, a printer of 1,200 dpi has 21
SQUARE = 0.01  # the two sides of a pixel may differ by this share
UNITS = {
    **dict.fromkeys(("um", "\u00b5m", "\u03bcm", "micron", "microns", "\\u00b5m"), 1.0),
    "nm": 1e-3,
    "mm": 1e3,
    "cm": 1e4,
    "m": 1e6,
    "inch": 25400.0,
}
TIFF_UNITS = {2: 25400.0, 3: 1e4}  # TIFF 6.0, tag 296: inch and centimetre
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, DESCRIPTION = 282, 283, 296, 270


def read_pixel_size(path: str | PathLike) -> float | None:
    """The side of a pixel in micrometres as the file gives it.

    Parameters
    ----------
    path : path
        Of an image that can be read.

    Returns
    -------
    float or None
        From the metadata of an OME-Zarr, from OME-XML, from what ImageJ or an Aperio scanner writes, from the resolution of a TIFF,
        or from the chunk pHYs of a PNG; of a pyramid that of level 0. None where the file says nothing, where pixels are not
        square, and where the value is not that of a microscope (0.01 to 20).
    """
    try:
        sides = ZarrMetadata.read(Path(path)).sides if is_zarr(path) else _of_file(path)
    except Exception:  # whatever is wrong with such an entry, it is not needed
        return None
    return None if sides is None else _believed(sides)


def _believed(sides: Sequence[float]) -> float | None:
    """The side of a pixel of which two sides are given in micrometres; None where it is not square, or not a microscope's."""
    if not all(math.isfinite(side) and SMALLEST <= side <= LARGEST for side in sides):
        return None
    return sides[0] if abs(sides[0] - sides[1]) <= SQUARE * sides[0] else None


def _of_file(path: str | PathLike) -> Sequence[float] | None:
    """The two sides of a pixel of an image file."""
    with open_regular(path) as file:
        try:
            return _with_pillow(file)
        except UnidentifiedImageError:
            return _with_tifffile(file)


def _with_pillow(file: BinaryIO) -> Sequence[float] | None:
    """The two sides of a pixel of a file that Pillow opens."""
    with contextlib.closing(open_with_pillow(file)) as image, pillow_warnings_ignored():
        if image.format == "TIFF":
            tags = image.tag_v2  # type: ignore[attr-defined]
            # Pillow takes the text for Latin-1, and OME-XML is UTF-8.
            description = str(tags.get(DESCRIPTION, "")).encode("latin-1", "replace").decode("utf-8", "replace")
            return _of_tiff(tags, description)
        if image.format == "PNG" and "dpi" in image.info:
            # Pillow gives the pixels a metre of the chunk as pixels an inch.
            return [25400 / float(value) for value in image.info["dpi"]]
    return None


def _with_tifffile(file: BinaryIO) -> Sequence[float] | None:
    """The two sides of a pixel of a TIFF that Pillow does not open, such as a slide in JPEG 2000."""
    import tifffile  # not at the top: most data sets do not need it

    file.seek(0)
    page: Any = tifffile.TiffFile(file, name="", _multifile=False).pages.first
    tags = {tag.code: tag.value for tag in page.tags}
    for code in (X_RESOLUTION, Y_RESOLUTION):
        if code in tags:
            tags[code] = tags[code][0] / tags[code][1]
    return _of_tiff(tags, page.description)


def _of_tiff(tags: Mapping[int, Any], description: str) -> tuple[float, float] | None:
    """The two sides of a pixel of a TIFF."""
    if "<OME" in description:
        return _of_ome(description)
    if description.startswith("Aperio"):
        match = re.search(r"\bMPP\s*=\s*([0-9.]+)", description)  # micrometres a pixel
        return (float(match[1]), float(match[1])) if match else None
    if X_RESOLUTION not in tags or Y_RESOLUTION not in tags:
        return None
    unit: float | None
    if description.startswith("ImageJ="):
        match = re.search(r"^unit=(.*)$", description, re.MULTILINE)
        unit = UNITS.get(match[1].strip()) if match else None
    else:
        unit = TIFF_UNITS.get(tags.get(RESOLUTION_UNIT, 2))
    if unit is None:
        return None
    return unit / float(tags[X_RESOLUTION]), unit / float(tags[Y_RESOLUTION])


def _of_ome(xml: str) -> tuple[float, float] | None:
    """The two sides of a pixel in OME-XML; micrometres are its default unit."""
    sides = []
    for axis in "XY":
        size = re.search(rf'\bPhysicalSize{axis}="([^"]+)"', xml)
        unit = re.search(rf'\bPhysicalSize{axis}Unit="([^"]+)"', xml)
        scale = UNITS.get(unit[1]) if unit else 1.0
        if size is None or scale is None:
            return None
        sides.append(float(size[1]) * scale)
    return sides[0], sides[1]
