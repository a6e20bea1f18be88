"""The NumPy fast paths; importing this package registers them."""

from minunet.kernels.cpu import (
    adam,
    conv_transpose_as_conv,
    conv_transpose_tiled,
    elementwise,
    im2col,
    im2col_grads,
    kn2row,
    pooling_2x2,
    winograd,
)

__all__ = [
    "adam",
    "conv_transpose_as_conv",
    "conv_transpose_tiled",
    "elementwise",
    "im2col",
    "im2col_grads",
    "kn2row",
    "pooling_2x2",
    "winograd",
]
