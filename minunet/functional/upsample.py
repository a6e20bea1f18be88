"""Nearest-neighbour upsampling: each pixel becomes a block of equal pixels."""

from __future__ import annotations

from minunet.autograd import Tensor, TensorLike
from minunet.functional.primitive_function import PrimitiveFunction
from minunet.functional.validation import IntOrPair, images, pair
from minunet.kernels import primitives
from minunet.kernels.backend import Array
from minunet.kernels.primitives import IntPair


class Upsample2d(PrimitiveFunction):
    """Each pixel repeated `scale` times downwards and to the right.

    y[n, h, w, c] = x[n, h // scale_h, w // scale_w, c]
    dx[n, h, w, c] = the sum of g over the block of pixel (h, w)
    """

    def __init__(self, scale: IntPair):
        self.scale = scale

    def forward(self, x: Array) -> Array:
        self.save()
        return x.repeat(self.scale[0], axis=1).repeat(self.scale[1], axis=2)

    def backward(self, grad_output: Array) -> tuple[Array]:
        return (primitives.sum_pool2d(grad_output, self.scale, self.scale, (0, 0)),)


def upsample2d(x: TensorLike, scale: IntOrPair = 2) -> Tensor:
    """Nearest-neighbour enlargement: each pixel becomes a block of equal pixels.

    Parameters
    ----------
    x : Tensor (N, H, W, C)
    scale : int or pair
        Height and width of the block.

    Returns
    -------
    Tensor (N, H * scale, W * scale, C)

    Raises
    ------
    ValueError
        If `x` is not a batch of images or `scale` is less than 1.

    Examples
    --------
    >>> upsample2d([[[[1.0], [2.0]]]], (1, 2)).data[0, :, :, 0]
    array([[1., 1., 2., 2.]], dtype=float32)
    """
    return Upsample2d(pair("upsample2d", "scale", scale, 1)).apply(images("upsample2d", "x", x))
