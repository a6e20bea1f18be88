"""Gradients of a convolution with any stride: from the windows of the input for the weight, by scattering for the input."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minunet.kernels.cpu.array_types import Array, Arrays, ConvGrads, channel_slices
from minunet.kernels.cpu.epilogue import add_row_sums
from minunet.kernels.cpu.im2col import by_channels
from minunet.kernels.cpu.im2col.bias_gradient import bias_gradient, masked_block
from minunet.kernels.cpu.im2col.window_matrix import window_blocks, window_matrix
from minunet.kernels.cpu.matmul import matmul
from minunet.kernels.cpu.partition import RowBlock, group_into_jobs, sum_in_order
from minunet.kernels.cpu.recorder import clear, do, result_array, temporary
from minunet.kernels.cpu.scratch import Allocate, scratch
from minunet.kernels.cpu.strided_copy import copy_strided
from minunet.kernels.cpu.threads import parallel
from minunet.kernels.primitives.conv import Needs
from minunet.kernels.primitives.windows import IntPair, Padding


def grads_from_input_windows(
    grad_output: Array, xs: Arrays, weight: Array, output: Array | None, stride: IntPair, padding: Padding, needs: Needs
) -> ConvGrads:
    """See `primitives.conv2d_grads`, for C-contiguous arrays."""
    needs_x, needs_weight, needs_bias = needs
    kh, kw, c, o = weight.shape
    images, height, width, _ = grad_output.shape
    window = kh * kw * c
    top_left = (padding[0][0], padding[1][0])

    def gradient_of(allocate: Allocate, block: RowBlock) -> Array:
        """(pixels, O)"""
        return masked_block(allocate, grad_output, output, block).reshape(-1, o)

    def windows_of(allocate: Allocate, block: RowBlock) -> Array:
        """(pixels, kh * kw * C)"""
        sources = [x[block.images] for x in xs]
        return window_matrix(allocate, sources, block.rows, width, (kh, kw), stride, top_left)

    def job(blocks: Sequence[RowBlock]) -> tuple[Array, Array]:
        grad_kernel, grad_bias = result_array((window, o), weight.dtype), result_array((o,), weight.dtype)
        clear(grad_kernel)
        clear(grad_bias)
        product = temporary(grad_kernel.shape, weight.dtype)
        for block in blocks:
            with scratch() as allocate:
                gradient, windows = gradient_of(allocate, block), windows_of(allocate, block)
                matmul(windows.T[None], gradient[None], product[None])  # (window, pixels) @ (pixels, O)
                do(np.add, grad_kernel, product, grad_kernel)
                if needs_bias:
                    add_row_sums(grad_bias, gradient)
        return grad_kernel, grad_bias

    grad_weight = grad_bias = None
    if needs_weight and by_channels.is_large(window, o):
        grad_kernel = result_array((window, o), weight.dtype)
        for k, group in enumerate(by_channels.groups(images, height, width * max(window, o))):
            windows = by_channels.write_group(windows_of, group, width, window, weight.dtype)
            gradient = by_channels.write_group(gradient_of, group, width, o, weight.dtype)
            by_channels.add_transposed_product(grad_kernel, windows, gradient, first=k == 0)
        grad_weight = grad_kernel.reshape(weight.shape)
    elif needs_weight:
        blocks = window_blocks(images, height, width * max(window, o))
        parts = parallel(job, group_into_jobs(blocks))
        grad_weight = sum_in_order([part[0] for part in parts]).reshape(weight.shape)
        grad_bias = sum_in_order([part[1] for part in parts]) if needs_bias else None
    if needs_bias and grad_bias is None:
        grad_bias = bias_gradient(grad_output, output)
    grad_xs: Sequence[Array | None] = [None] * len(xs)
    if any(needs_x):
        grad_xs = _scattered(grad_output, xs, weight, output, stride, top_left, needs_x)
    return tuple(grad_xs), grad_weight, grad_bias


def _scattered(
    grad_output: Array,
    xs: Arrays,
    weight: Array,
    output: Array | None,
    stride: IntPair,
    top_left: IntPair,
    needs_x: Sequence[int],
) -> list[Array | None]:
    """The input's gradient for any stride: every pixel of the output's gradient adds the kernel, scaled, to its window.

    This is "col2im", the transpose of im2col.
    """
    (kh, kw, c, o), (sh, sw) = weight.shape, stride
    out_h, out_w = grad_output.shape[1:3]
    images, height, width, _ = xs[0].shape
    kernel = temporary((o, kh * kw * c), weight.dtype)
    do(np.copyto, kernel, weight.reshape(kh * kw * c, o).T)
    grad_xs = [result_array(x.shape, x.dtype) if needed else None for x, needed in zip(xs, needs_x, strict=True)]

    def job(block: RowBlock) -> None:
        # Rows of the output whose windows meet the block's rows of the input.
        first = max(0, -(-(block.rows.start + top_left[0] - kh + 1) // sh))
        last = max(first, min(out_h, (block.rows.stop - 1 + top_left[0]) // sh + 1))
        with scratch() as allocate:
            gradient = masked_block(allocate, grad_output, output, RowBlock(block.images, slice(first, last)))
            windows = allocate((gradient.size // o, kh * kw * c), weight.dtype)
            matmul(gradient.reshape(1, -1, o), kernel[None], windows[None])
            windows = windows.reshape(*gradient.shape[:3], kh, kw, c)
            # Sums for the rows start .. stop, which hold the block's rows and all windows: (N, rows, W, C).
            top = first * sh - top_left[0]
            start = min(top, block.rows.start)
            stop = max(block.rows.stop, top + (last - first) * sh + kh)
            columns = max(width + top_left[1], (out_w - 1) * sw + kw)
            sums = allocate((len(gradient), stop - start, columns, c), weight.dtype)
            clear(sums)
            for i in range(kh if last > first else 0):
                rows = slice(top - start + i, top - start + i + (last - first - 1) * sh + 1, sh)
                for j in range(kw):
                    part = sums[:, rows, j : j + (out_w - 1) * sw + 1 : sw]
                    do(np.add, part, windows[:, :, :, i, j], part)
            block_sums = sums[:, block.rows.start - start : block.rows.stop - start, top_left[1] : top_left[1] + width]
            for grad_x, channels in zip(grad_xs, channel_slices(xs), strict=True):
                if grad_x is not None:
                    copy_strided(grad_x[block.index], block_sums[..., channels])

    parallel(job, window_blocks(images, height, -(-width // sw) * kh * kw * c // sh + 1))
    return grad_xs
