"""Image files: PNG, JPEG, BMP and TIFF files read whole into arrays, or refused with a message that says what is wrong."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from os import PathLike

import numpy as np

from minunet.data.reading.image_header import ImageHeader
from minunet.data.reading.open_images import open_image


def decode(path: str | PathLike, *, report: Callable[[str], object] | None = warnings.warn) -> np.ndarray:
    """Read an image file.

    Parameters
    ----------
    path : path
        A PNG, JPEG, BMP or TIFF file, or the folder of an OME-Zarr.
    report : callable or None
        Called with a sentence on what the user should know, such as frames that are not read; by default a Python
        warning. None: nothing is reported.

    Returns
    -------
    ndarray, (H, W) or (H, W, C)
        The numbers as the camera stored them: integers of 8 to 64 bits, signed or not, or floats of 16, 32 or 64 bits.
        (H, W, 3) is colour; another C is the number of channels of a TIFF. Upright, transparency composited over white
        (see `minunet.data.reading.pixels.from_pil`).

    Raises
    ------
    UserError
        Naming the file, what is wrong with it, and the remedy.
    """
    return _decode(path, False, report)


def decode_mask(path: str | PathLike, *, report: Callable[[str], object] | None = warnings.warn) -> np.ndarray:
    """Read a mask file: like `decode`, but transparency is composited over black, or is the mask itself."""
    return _decode(path, True, report)


def frames_warning(path: str | PathLike) -> str:
    """The sentence on a file of several images."""
    return f"{path} holds several frames; only the first is used: export the others as files of their own."


def report_frames(path: str | PathLike, header: ImageHeader, report: Callable[[str], object] | None) -> None:
    """Report a file of several images."""
    if header.frames > 1 and report is not None:
        report(frames_warning(path))


def _decode(path: str | PathLike, mask: bool, report: Callable[[str], object] | None) -> np.ndarray:
    with open_image(path) as image:
        array = image.pixels(mask=mask)
    report_frames(path, image.header, report)
    return array
