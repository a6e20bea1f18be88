"""Image arrays: the pixels of an image that a program gives as an array, as a PIL image, or by the path of its file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minunet.data.reading.image_files import decode
from minunet.data.reading.pixels import finite, from_pil, unmasked
from minunet.errors import UserError
from minunet.kernels import backend


def image_array(image: Any) -> np.ndarray:
    """The pixels of an image given as array, PIL image or path.

    Returns
    -------
    ndarray
        (H, W) or (H, W, C), of any type of integers or floats.

    Raises
    ------
    UserError
        If it is something else.
    """
    if isinstance(image, (str, Path)):
        return decode(image)
    if isinstance(image, Image.Image):
        return from_pil(image)
    array = (
        backend.to_numpy(unmasked(image) if isinstance(image, np.ndarray) else image)
        if backend.is_array(image)
        else None
    )
    if array is None:
        raise UserError(f"an image is an array, a PIL image or a path, not {type(image).__name__}; convert it first.")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]  # (H, W, 1) -> (H, W)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    problems = []
    if array.dtype.kind not in "uif":
        problems.append(
            f"an image array holds numbers, not {array.dtype}; convert it with .astype('float32') for example."
        )
    if array.ndim not in (2, 3):
        problems.append(f"an image array has shape (H, W) or (H, W, C), not {array.shape}; give one image at a time.")
    if array.size == 0:
        problems.append(f"an image array of shape {array.shape} has no pixels; give one of at least 1x1.")
    if problems:
        raise UserError(problems)
    return finite(array)
