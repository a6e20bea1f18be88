"""The NumPy fast paths; importing this package registers them."""

from minunet.kernels.cpu import (
    adam,
    few_outputs,
    im2col,
    im2col_grads,
    overlapping_stamps,
    pointwise,
    pooling,
    up_convolution,
    winograd,
)

__all__ = [
    "adam",
    "few_outputs",
    "im2col",
    "im2col_grads",
    "overlapping_stamps",
    "pointwise",
    "pooling",
    "up_convolution",
    "winograd",
]
