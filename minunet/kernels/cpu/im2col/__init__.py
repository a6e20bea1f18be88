"""Convolution as one matrix product: every window written out as a row, times the kernel as a matrix ("im2col").

Windows are written out for a block of rows at a time, so that they are still in the cache when they are multiplied.

- `window_matrix` writes the windows.
- `forward` and `backward` are the two passes; `backward` chooses between `output_windows` and `input_windows`.
- `by_channels` does the same work in another order for large kernels. `bias_gradient` is the sum over all pixels.
"""

from minunet.kernels.cpu.im2col import backward, forward

__all__ = ["backward", "forward"]
