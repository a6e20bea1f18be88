"""The NumPy fast paths; importing this package registers them."""

from minunet.kernels.cpu import im2col, im2col_grads, winograd

__all__ = ["im2col", "im2col_grads", "winograd"]
