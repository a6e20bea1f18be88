"""The NumPy fast paths; importing this package registers them."""

# isort: off
# In the order of registration, which decides between candidates of equal cost.
from minunet.kernels.cpu import kn2row
from minunet.kernels.cpu import im2col
from minunet.kernels.cpu import adam, conv_transpose_as_conv, elementwise, subpixel, pooling_2x2, winograd

# isort: on

__all__ = [
    "adam",
    "conv_transpose_as_conv",
    "elementwise",
    "im2col",
    "kn2row",
    "subpixel",
    "pooling_2x2",
    "winograd",
]
