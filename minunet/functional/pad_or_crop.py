"""Images brought to a given size by padding or cropping at the bottom and right."""

from __future__ import annotations

from minunet.autograd import Function, Tensor, TensorLike
from minunet.functional.validation import IntOrPair, images, pair
from minunet.kernels.backend import Array, array_module
from minunet.kernels.primitives import IntPair, pad_image


class PadOrCrop(Function):
    """Rows and columns of zeros added, or rows and columns removed, at the bottom and right.

    y = x, padded or cropped to `size`
    dx = g, cropped or padded to the size of x
    """

    def __init__(self, size: IntPair):
        self.size = size

    def forward(self, x: Array) -> Array:
        self.save()
        return _pad_or_crop(x, self.size)

    def backward(self, grad_output: Array) -> tuple[Array]:
        (_, h, w, _), _ = self.input_types[0]
        return (_pad_or_crop(grad_output, (h, w)),)


def _pad_or_crop(x: Array, size: IntPair) -> Array:
    cropped = x[:, : size[0], : size[1]]
    missing_h, missing_w = size[0] - cropped.shape[1], size[1] - cropped.shape[2]
    if missing_h or missing_w:
        return pad_image(cropped, ((0, missing_h), (0, missing_w)))
    return array_module(x).ascontiguousarray(cropped)


def pad_or_crop(x: TensorLike, size: IntOrPair) -> Tensor:
    """Bring images to a size: add zeros at the bottom and right, or remove rows and columns there.

    Parameters
    ----------
    x : Tensor (N, H, W, C)
    size : int or pair
        Height and width of the result.

    Returns
    -------
    Tensor (N, height, width, C)

    Raises
    ------
    ValueError
        If `x` is not a batch of images or `size` is less than 1.

    Examples
    --------
    >>> import numpy as np
    >>> pad_or_crop(np.ones((1, 5, 7, 3)), (8, 4)).shape
    (1, 8, 4, 3)
    """
    return PadOrCrop(pair("pad_or_crop", "size", size, 1)).apply(images("pad_or_crop", "x", x))
