"""Convolution as one matrix product: every window written out as a row, times the kernel as a matrix ("im2col").

Windows are written out for a few rows of pixels at a time, so that they are still in the cache when they are multiplied.
`forward` and `backward` hold the two passes; `by_channels` is another order of the same work for large kernels.
"""

from minunet.kernels.cpu.im2col import backward, forward

__all__ = ["backward", "forward"]
