"""Gradients of a convolution with stride 1, from the windows of the output's gradient around every pixel of the input."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minunet.kernels.cpu.array_types import Array, Arrays, ConvGrads, channel_slices, grad_x_array
from minunet.kernels.cpu.epilogue import masked_gradient
from minunet.kernels.cpu.im2col import by_channels
from minunet.kernels.cpu.im2col.bias_gradient import bias_gradient
from minunet.kernels.cpu.im2col.window_matrix import window_blocks, window_matrix
from minunet.kernels.cpu.matmul import matmul
from minunet.kernels.cpu.partition import RowBlock, group_into_jobs, sum_in_order
from minunet.kernels.cpu.recorder import clear, do, result_array, temporary
from minunet.kernels.cpu.scratch import Allocate, scratch
from minunet.kernels.cpu.threads import parallel
from minunet.kernels.primitives.conv import Needs
from minunet.kernels.primitives.windows import Padding


def grads_from_output_windows(
    grad_output: Array, xs: Arrays, weight: Array, output: Array | None, padding: Padding, needs: Needs
) -> ConvGrads:
    """See `primitives.conv2d_grads`, for stride 1 and C-contiguous arrays.

    dX[h, w] = sum over i, j of dY[h - i, w - j] g[i, j] is a convolution of dY with the reversed kernel, and
    dg[i, j] = sum over h, w of X[h, w] dY[h - i, w - j] multiplies the same windows.
    """
    needs_x, needs_weight, needs_bias = needs
    kh, kw, c, o = weight.shape
    images, height, width, _ = xs[0].shape
    window = kh * kw * o
    top_left = (kh - 1 - padding[0][0], kw - 1 - padding[1][0])  # padding of the gradient
    # (kh, kw, C, O) -> reversed, (kh, kw, O, C) -> (kh * kw * O, C)
    kernel = temporary((window, c), weight.dtype)
    do(np.copyto, kernel.reshape(kh, kw, o, c), weight[::-1, ::-1].transpose(0, 1, 3, 2))
    grad_xs = [grad_x_array(x, needed) for x, needed in zip(xs, needs_x, strict=True)]
    sources = list(zip(xs, grad_xs, channel_slices(xs), strict=True))

    def windows_of(allocate: Allocate, block: RowBlock) -> Array:
        """(pixels, kh * kw * O)"""
        top = block.rows.start - top_left[0]
        rows = slice(max(0, top), max(0, top + block.row_count + kh - 1))
        output_rows = None if output is None else output[block.images, rows]
        gradient = masked_gradient(allocate, grad_output[block.images, rows], output_rows)
        out_rows = slice(block.rows.start - rows.start, block.rows.stop - rows.start)
        return window_matrix(allocate, [gradient], out_rows, width, (kh, kw), (1, 1), top_left)

    def job(blocks: Sequence[RowBlock]) -> Array | None:
        grad_kernel = None
        if needs_weight:
            grad_kernel = temporary((c, window), weight.dtype)
            clear(grad_kernel)
        for block in blocks:
            with scratch() as allocate:
                windows = windows_of(allocate, block)
                for x, grad_x, channels in sources:
                    if grad_kernel is not None:  # first: the gradient of x may be written over x
                        pixels = x[block.index].reshape(1, -1, x.shape[3])
                        product = allocate((1, x.shape[3], window), weight.dtype)
                        matmul(pixels.transpose(0, 2, 1), windows[None], product)
                        do(np.add, grad_kernel[channels], product[0], grad_kernel[channels])
                    if grad_x is not None:
                        target = grad_x[block.index].reshape(1, -1, x.shape[3])
                        matmul(windows[None], kernel[None, :, channels], target)
        return grad_kernel

    grad_kernel: Array | None = None
    if by_channels.is_large(window, c):
        if needs_weight:
            grad_kernel = temporary((c, window), weight.dtype)
        for k, group in enumerate(by_channels.groups(images, height, width * window)):
            windows = by_channels.write_group(windows_of, group, width, window, weight.dtype)
            for x, grad_x, channels in sources:
                if grad_kernel is not None:
                    pixels = x[group.index].reshape(-1, x.shape[3])
                    by_channels.add_transposed_product(grad_kernel[channels], pixels, windows, first=k == 0)
                if grad_x is not None:
                    flat = grad_x[group.index].reshape(-1, x.shape[3])

                    def write(columns: slice, values: Array, flat: Array = flat) -> None:
                        do(np.copyto, flat[:, columns], values)

                    by_channels.multiply_by_columns(windows, kernel[:, channels], write)
    else:
        blocks = window_blocks(images, height, width * max(window, c))
        parts = parallel(job, group_into_jobs(blocks))
        if needs_weight:
            grad_kernel = sum_in_order(parts)
    grad_weight = None
    if grad_kernel is not None:
        # (C, kh * kw * O), reversed -> (kh, kw, C, O)
        grad_weight = result_array(weight.shape, weight.dtype)
        do(np.copyto, grad_weight, grad_kernel.reshape(c, kh, kw, o).transpose(1, 2, 0, 3)[::-1, ::-1])
    return tuple(grad_xs), grad_weight, bias_gradient(grad_output, output) if needs_bias else None
