"""Image arrays: the pixels of an image that a program gives as an array, as a PIL image, or by the path of its file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from minunet.autograd import Tensor
from minunet.data.reading.pixels import finite, from_pil, unmasked
from minunet.errors import UserError
from minunet.kernels import backend
from minunet.wording import join_names

if TYPE_CHECKING:
    from minunet.data.reading.image_range import ImageRange

WIDE = 16.0  # a white of at least this is no fraction


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
    if isinstance(image, (str, os.PathLike)):
        from minunet.data.reading.image_files import decode  # an array does not need the reading of all formats

        return decode(image)
    if isinstance(image, Image.Image):
        return from_pil(image)
    array = (
        backend.to_numpy(unmasked(image) if isinstance(image, np.ndarray) else image)
        if backend.is_array(image)
        else None
    )
    if array is None:
        raise UserError(f"an image is an array, a PIL image or a path, not {_what(image)}.")
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
        problems.append(f"an image array has shape (H, W) or (H, W, C), not {array.shape}; {_one_of(array.shape)}.")
    if array.size == 0:
        problems.append(f"an image array of shape {array.shape} has no pixels; give one of at least 1x1.")
    if problems:
        raise UserError(problems)
    return finite(array)


def check_units(array: np.ndarray, image_range: ImageRange | None) -> None:
    """Refuse an image whose numbers are on another scale than those of the training images, so that it would be black or white.

    Raises
    ------
    UserError
        For values between 0 and 1 where white is some hundreds or thousands, or the other way round.
    """
    if image_range is None or not array.size:
        return
    white, largest = float(np.max(image_range.high)), float(array.max())
    kinds = f" ({join_names(image_range.types)})" if image_range.types else ""
    if array.dtype.kind == "f" and 0 < largest <= 1 and array.min() >= 0 and white >= WIDE:
        factor = {"uint8": 255, "uint16": 65535}.get(" ".join(image_range.types), round(white))
        raise UserError(
            f"its values are between 0 and 1, but in the training images white is {white:g}{kinds}, so all of it would be black: "
            f"give the image as it was read, or multiply it, such as image * {factor}."
        )
    if white <= 1 and largest >= WIDE:
        factor = {"uint8": 255, "uint16": 65535}.get(str(array.dtype), 255 if largest <= 255 else 65535)
        raise UserError(
            f"its values go up to {largest:g}, but in the training images white is {white:g}{kinds}, so most of it would be white: "
            f"divide it, such as image / {factor}."
        )


def _what(image: Any) -> str:
    """The kind of what is no image, and how it becomes one."""
    kind = type(image).__name__
    if image is None:
        return "None"
    if isinstance(image, (list, tuple)):
        return f"a {kind}; give np.asarray(image), or several images to predict_many"
    if type(image).__module__.partition(".")[0] == "torch":
        return f"a torch.{kind}; give image.detach().cpu().numpy(), with the channels last: np.moveaxis(array, 0, -1)"
    if isinstance(image, Tensor):
        return "a Tensor; give tensor.numpy()"
    return f"{kind}; convert it first"


def _one_of(shape: tuple[int, ...]) -> str:
    """How one image is taken from an array of several."""
    if len(shape) != 4:
        return "give one image at a time"
    one = "image[0]" if shape[0] == 1 else "one image at a time, such as image[0], or all of them to predict_many"
    first = shape[1] in (1, 3, 4) and shape[3] > 4
    return f"give {one}" + (", with the channels last: np.moveaxis(image, 1, -1)[0]" if first else "")
