"""The backward pass of im2col: gradients of a convolution as products of a window matrix.

With stride 1 the windows are those of the output's gradient, and serve the gradients of input and weight alike; with other
strides they are those of the input.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from minunet.kernels import primitives
from minunet.kernels.cpu import memory_pool
from minunet.kernels.cpu.arguments import ConvNeeds, are_numpy_floats, channel_slices
from minunet.kernels.cpu.epilogue import masked_gradient
from minunet.kernels.cpu.im2col import by_channels
from minunet.kernels.cpu.im2col.forward import PER_CALL, PER_WEIGHT, PER_WINDOW_VALUE, VALUES_PER_BLOCK
from minunet.kernels.cpu.im2col.window_matrix import window_matrix
from minunet.kernels.cpu.matmul import matmul, matmul_cost
from minunet.kernels.cpu.partition import RowBlock, group_into_jobs, row_blocks, sum_in_order
from minunet.kernels.cpu.scratch import Allocate, scratch
from minunet.kernels.cpu.strided_copy import copy_strided
from minunet.kernels.cpu.threads import parallel
from minunet.kernels.primitives.windows import IntPair, Padding

Grads = tuple[tuple[np.ndarray | None, ...], np.ndarray | None, np.ndarray | None]  # (one per source, weight, bias)


def _applies(
    grad_output: np.ndarray, xs: Sequence[np.ndarray], weight: np.ndarray, output: np.ndarray | None, *_: object
) -> bool:
    return are_numpy_floats(grad_output, *xs, weight, output) and grad_output.size > 0


def _uses_output_windows(weight: np.ndarray, stride: IntPair, needs: ConvNeeds) -> bool:
    """Whether the windows are those of the output's gradient, for the gradients of input and weight alike."""
    return tuple(stride) == (1, 1) and (any(needs[0]) or weight.shape[3] <= weight.shape[2])


def backward_cost(
    grad_output: np.ndarray,
    xs: Sequence[np.ndarray],
    weight: np.ndarray,
    output: np.ndarray | None,
    stride: IntPair,
    padding: Padding,
    needs: ConvNeeds,
) -> float:
    """Estimated nanoseconds of one core for `conv2d_grads`: windows, products, and the rest.

    The products take about 1.3 times as long as `matmul_cost` says. Reading and masking the output's gradient is left
    out: every algorithm has to do it.
    """
    (kh, kw, c, o), needs_x, needs_weight = weight.shape, any(needs[0]), needs[1]
    window, out_pixels = kh * kw, math.prod(grad_output.shape[:3])
    rest = PER_CALL + PER_WEIGHT * weight.size * 2 * (needs_x + needs_weight)
    if _uses_output_windows(weight, stride, needs):
        pixels = math.prod(xs[0].shape[:3])
        products = matmul_cost(pixels, window * o, c) if needs_x else 0
        products += matmul_cost(c, pixels, window * o) if needs_weight else 0
        return rest + 1.3 * products + (PER_WINDOW_VALUE * pixels * window * o if window > 1 else 0)
    windows = PER_WINDOW_VALUE * out_pixels * window * c
    products = matmul_cost(out_pixels, o, window * c) if needs_x else 0
    products += matmul_cost(window * c, out_pixels, o) if needs_weight else 0
    return rest + 1.3 * products + windows * (4 * needs_x + needs_weight)


@primitives.conv2d_grads.register(
    "im2col", when=_applies, cost=backward_cost, why="windows written out as rows, then one matrix product each"
)
def conv2d_grads(
    grad_output: np.ndarray,
    xs: Sequence[np.ndarray],
    weight: np.ndarray,
    output: np.ndarray | None,
    stride: IntPair,
    padding: Padding,
    needs: ConvNeeds,
) -> Grads:
    """See `primitives.conv2d_grads`."""
    stride = (stride[0], stride[1])
    grad_output = np.ascontiguousarray(grad_output)
    output = None if output is None else np.ascontiguousarray(output)
    xs = [np.ascontiguousarray(x) for x in xs]
    if _uses_output_windows(weight, stride, needs):
        return _grads_from_output_windows(grad_output, xs, weight, output, padding, needs)
    return _grads_from_input_windows(grad_output, xs, weight, output, stride, padding, needs)


def _grads_from_output_windows(
    grad_output: np.ndarray,
    xs: Sequence[np.ndarray],
    weight: np.ndarray,
    output: np.ndarray | None,
    padding: Padding,
    needs: ConvNeeds,
) -> Grads:
    """Stride 1: windows of the output's gradient around every pixel of the input.

    dX[h, w] = sum over i, j of dY[h - i, w - j] g[i, j] is a convolution of dY with the reversed kernel, and
    dg[i, j] = sum over h, w of X[h, w] dY[h - i, w - j] multiplies the same windows.
    """
    needs_x, needs_weight, needs_bias = needs
    kh, kw, c, o = weight.shape
    images, height, width, _ = xs[0].shape
    window = kh * kw * o
    top_left = (kh - 1 - padding[0][0], kw - 1 - padding[1][0])  # padding of the gradient
    # (kh, kw, C, O) -> reversed, (kh, kw, O, C) -> (kh * kw * O, C)
    kernel = memory_pool.copy(weight[::-1, ::-1].transpose(0, 1, 3, 2)).reshape(window, c)
    grad_xs = [memory_pool.empty(x.shape, x.dtype) if needed else None for x, needed in zip(xs, needs_x, strict=True)]
    sources = list(zip(xs, grad_xs, channel_slices(xs), strict=True))

    def windows_of(allocate: Allocate, block: RowBlock) -> np.ndarray:
        """(pixels, kh * kw * O)"""
        top = block.rows.start - top_left[0]
        rows = slice(max(0, top), max(0, top + block.row_count + kh - 1))
        output_rows = None if output is None else output[block.images, rows]
        gradient = masked_gradient(allocate, grad_output[block.images, rows], output_rows)
        out_rows = slice(block.rows.start - rows.start, block.rows.stop - rows.start)
        return window_matrix(allocate, [gradient], out_rows, width, (kh, kw), (1, 1), top_left)

    def job(blocks: Sequence[RowBlock]) -> np.ndarray | None:
        grad_kernel = memory_pool.zeros((c, window), weight.dtype) if needs_weight else None
        for block in blocks:
            with scratch() as allocate:
                windows = windows_of(allocate, block)
                for x, grad_x, channels in sources:
                    if grad_x is not None:
                        target = grad_x[block.index].reshape(1, -1, x.shape[3])
                        matmul(windows[None], kernel[None, :, channels], target)
                    if grad_kernel is not None:
                        pixels = x[block.index].reshape(1, -1, x.shape[3])
                        product = allocate((1, x.shape[3], window), weight.dtype)
                        matmul(pixels.transpose(0, 2, 1), windows[None], product)
                        grad_kernel[channels] += product[0]
        return grad_kernel

    grad_kernel: np.ndarray | None = None
    if by_channels.is_large(window, c):
        if needs_weight:
            grad_kernel = memory_pool.empty((c, window), weight.dtype)
        for k, group in enumerate(by_channels.groups(images, height, width * window)):
            windows = by_channels.write_group(windows_of, group, width, window, weight.dtype, VALUES_PER_BLOCK)
            for x, grad_x, channels in sources:
                if grad_x is not None:
                    flat = grad_x[group.index].reshape(-1, x.shape[3])

                    def write(columns: slice, values: np.ndarray, flat: np.ndarray = flat) -> None:
                        flat[:, columns] = values

                    by_channels.multiply_by_columns(windows, kernel[:, channels], write)
                if grad_kernel is not None:
                    pixels = x[group.index].reshape(-1, x.shape[3])
                    by_channels.add_transposed_product(grad_kernel[channels], pixels, windows, first=k == 0)
    else:
        blocks = row_blocks(images, height, width * max(window, c), VALUES_PER_BLOCK)
        parts = parallel(job, group_into_jobs(blocks))
        if needs_weight:
            grad_kernel = sum_in_order(parts)
    grad_weight = None
    if grad_kernel is not None:
        # (C, kh * kw * O), reversed -> (kh, kw, C, O)
        grad_weight = memory_pool.copy(grad_kernel.reshape(c, kh, kw, o).transpose(1, 2, 0, 3)[::-1, ::-1])
    return tuple(grad_xs), grad_weight, bias_gradient(grad_output, output) if needs_bias else None


def _grads_from_input_windows(
    grad_output: np.ndarray,
    xs: Sequence[np.ndarray],
    weight: np.ndarray,
    output: np.ndarray | None,
    stride: IntPair,
    padding: Padding,
    needs: ConvNeeds,
) -> Grads:
    """Any stride: windows of the input for the weight's gradient; the input's gradient is `_scattered`."""
    needs_x, needs_weight, needs_bias = needs
    kh, kw, c, o = weight.shape
    images, height, width, _ = grad_output.shape
    window = kh * kw * c
    top_left = (padding[0][0], padding[1][0])

    def gradient_of(allocate: Allocate, block: RowBlock) -> np.ndarray:
        """(pixels, O)"""
        return _masked_block(allocate, grad_output, output, block).reshape(-1, o)

    def windows_of(allocate: Allocate, block: RowBlock) -> np.ndarray:
        """(pixels, kh * kw * C)"""
        sources = [x[block.images] for x in xs]
        return window_matrix(allocate, sources, block.rows, width, (kh, kw), stride, top_left)

    def job(blocks: Sequence[RowBlock]) -> tuple[np.ndarray, np.ndarray]:
        grad_kernel, grad_bias = memory_pool.zeros((window, o), weight.dtype), np.zeros(o, weight.dtype)
        product = memory_pool.empty(grad_kernel.shape, weight.dtype)
        for block in blocks:
            with scratch() as allocate:
                gradient, windows = gradient_of(allocate, block), windows_of(allocate, block)
                matmul(windows.T[None], gradient[None], product[None])  # (window, pixels) @ (pixels, O)
                grad_kernel += product
                if needs_bias:
                    grad_bias += primitives.sum_rows(gradient)
        return grad_kernel, grad_bias

    grad_weight = grad_bias = None
    if needs_weight and by_channels.is_large(window, o):
        grad_kernel = memory_pool.empty((window, o), weight.dtype)
        for k, group in enumerate(by_channels.groups(images, height, width * max(window, o))):
            windows = by_channels.write_group(windows_of, group, width, window, weight.dtype, VALUES_PER_BLOCK)
            gradient = by_channels.write_group(gradient_of, group, width, o, weight.dtype, VALUES_PER_BLOCK)
            by_channels.add_transposed_product(grad_kernel, windows, gradient, first=k == 0)
        grad_weight = grad_kernel.reshape(weight.shape)
    elif needs_weight:
        blocks = row_blocks(images, height, width * max(window, o), VALUES_PER_BLOCK)
        parts = parallel(job, group_into_jobs(blocks))
        grad_weight = sum_in_order([part[0] for part in parts]).reshape(weight.shape)
        grad_bias = sum_in_order([part[1] for part in parts]) if needs_bias else None
    if needs_bias and grad_bias is None:
        grad_bias = bias_gradient(grad_output, output)
    grad_xs: Sequence[np.ndarray | None] = [None] * len(xs)
    if any(needs_x):
        grad_xs = _scattered(grad_output, xs, weight, output, stride, top_left, needs_x)
    return tuple(grad_xs), grad_weight, grad_bias


def _scattered(
    grad_output: np.ndarray,
    xs: Sequence[np.ndarray],
    weight: np.ndarray,
    output: np.ndarray | None,
    stride: IntPair,
    top_left: IntPair,
    needs_x: Sequence[bool],
) -> list[np.ndarray | None]:
    """The input's gradient for any stride: every pixel of the output's gradient adds the kernel, scaled, to its window.

    This is "col2im", the transpose of im2col.
    """
    (kh, kw, c, o), (sh, sw) = weight.shape, stride
    out_h, out_w = grad_output.shape[1:3]
    images, height, width, _ = xs[0].shape
    kernel = memory_pool.copy(weight.reshape(kh * kw * c, o).T)  # (O, kh * kw * C)
    grad_xs = [memory_pool.empty(x.shape, x.dtype) if needed else None for x, needed in zip(xs, needs_x, strict=True)]

    def job(block: RowBlock) -> None:
        # Rows of the output whose windows meet the block's rows of the input.
        first = max(0, -(-(block.rows.start + top_left[0] - kh + 1) // sh))
        last = max(first, min(out_h, (block.rows.stop - 1 + top_left[0]) // sh + 1))
        with scratch() as allocate:
            gradient = _masked_block(allocate, grad_output, output, RowBlock(block.images, slice(first, last)))
            windows = allocate((gradient.size // o, kh * kw * c), weight.dtype)
            matmul(gradient.reshape(1, -1, o), kernel[None], windows[None])
            windows = windows.reshape(*gradient.shape[:3], kh, kw, c)
            # Sums for the rows start .. stop, which hold the block's rows and all windows: (N, rows, W, C).
            top = first * sh - top_left[0]
            start = min(top, block.rows.start)
            stop = max(block.rows.stop, top + (last - first) * sh + kh)
            columns = max(width + top_left[1], (out_w - 1) * sw + kw)
            sums = allocate((len(gradient), stop - start, columns, c), weight.dtype)
            sums[:] = 0
            for i in range(kh if last > first else 0):
                rows = slice(top - start + i, top - start + i + (last - first - 1) * sh + 1, sh)
                for j in range(kw):
                    sums[:, rows, j : j + (out_w - 1) * sw + 1 : sw] += windows[:, :, :, i, j]
            block_sums = sums[:, block.rows.start - start : block.rows.stop - start, top_left[1] : top_left[1] + width]
            for grad_x, channels in zip(grad_xs, channel_slices(xs), strict=True):
                if grad_x is not None:
                    copy_strided(grad_x[block.index], block_sums[..., channels])

    parallel(job, row_blocks(images, height, -(-width // sw) * kh * kw * c // sh + 1, VALUES_PER_BLOCK))
    return grad_xs


def _masked_block(
    allocate: Allocate, grad_output: np.ndarray, output: np.ndarray | None, block: RowBlock
) -> np.ndarray:
    return masked_gradient(allocate, grad_output[block.index], None if output is None else output[block.index])


def bias_gradient(grad_output: np.ndarray, output: np.ndarray | None) -> np.ndarray:
    """The sum of the gradient over all pixels, block by block: (N, H, W, O) -> (O,)."""
    images, height, width, o = grad_output.shape

    def job(blocks: Sequence[RowBlock]) -> np.ndarray:
        total = np.zeros(o, grad_output.dtype)
        for block in blocks:
            with scratch() as allocate:
                total += primitives.sum_rows(_masked_block(allocate, grad_output, output, block).reshape(-1, o))
        return total

    return sum_in_order(parallel(job, group_into_jobs(row_blocks(images, height, width * o, VALUES_PER_BLOCK))))
