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
from typing import Any

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
        if is_zarr(path):
            sides = ZarrMetadata.read(Path(path)).sides
            return None if sides is None else believed_side(sides)
        with open_regular(path) as file, contextlib.closing(open_with_pillow(file)) as image, pillow_warnings_ignored():
            if image.format == "TIFF":
                sides = _of_tiff(image.tag_v2)  # type: ignore[attr-defined]
            elif image.format == "PNG" and "dpi" in image.info:
                # Pillow gives the pixels a metre of the chunk as pixels an inch.
                sides = tuple(25400 / float(value) for value in image.info["dpi"])  # type: ignore[assignment]
            else:
                sides = None
    except Exception:  # whatever is wrong with such an entry, it is not needed
        return None
    return None if sides is None else believed_side(sides)


def believed_side(sides: Sequence[float]) -> float | None:
    """The side of a pixel of which two sides are given in micrometres; None where it is not square, or not a microscope's."""
    if not all(math.isfinite(side) and SMALLEST <= side <= LARGEST for side in sides):
        return None
    return sides[0] if abs(sides[0] - sides[1]) <= SQUARE * sides[0] else None


def side_in_tiff(tags: Mapping[int, Any]) -> float | None:
    """The side of a pixel in micrometres by the tags of a page of a TIFF, as `read_pixel_size` gives it."""
    try:
        sides = _of_tiff(tags)
    except Exception:  # whatever is wrong with such an entry, it is not needed
        return None
    return None if sides is None else believed_side(sides)


def _of_tiff(tags: Mapping[int, Any]) -> tuple[float, float] | None:
    """The two sides of a pixel of a TIFF."""
    # Pillow takes the text for Latin-1, and OME-XML is UTF-8.
    description = str(tags.get(DESCRIPTION, "")).encode("latin-1", "replace").decode("utf-8", "replace")
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
