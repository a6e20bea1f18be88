"""The gradients of a convolution as matrix products of windows that are written out, see `im2col`.

With stride 1 the windows are the output gradient's, and serve the input and the weight alike; else they are the input's.
"""

from __future__ import annotations

import math

import numpy as np

from minunet.kernels import primitives
from minunet.kernels.cpu import memory_pool
from minunet.kernels.cpu.im2col import by_channels
from minunet.kernels.cpu.im2col.forward import CHUNK, PER_CALL, PER_VALUE, PER_WEIGHT, Padding, written_out
from minunet.kernels.cpu.matmul import multiply, multiply_cost, run
from minunet.kernels.cpu.numpy_arrays import on_cpu
from minunet.kernels.cpu.padded_windows import masked
from minunet.kernels.cpu.partition import Rows, deal, divide_rows, sum_in_order
from minunet.kernels.cpu.scratch import Take, scratch
from minunet.kernels.cpu.strided_copy import copy_runs
from minunet.kernels.cpu.threads import parallel


def _backward_when(grad_output, xs, weight, output, stride, padding, needs) -> bool:
    return on_cpu(grad_output, *xs, weight, output) and grad_output.size > 0


def _from_gradient(weight, stride, needs) -> bool:
    """Whether to write out windows of the output's gradient, which then serve the input and the weight alike."""
    return stride == (1, 1) and (any(needs[0]) or weight.shape[3] <= weight.shape[2])


def backward_cost(grad_output, xs, weight, output, stride, padding, needs) -> float:
    """Windows written out, products, and the rest; the products are some 1.3 times slower than `multiply_cost` has it.

    Reading and masking the output's gradient is left out: every path has to do it.
    """
    (kh, kw, c, o), needs_x, needs_weight = weight.shape, any(needs[0]), needs[1]
    taps, out_pixels = kh * kw, math.prod(grad_output.shape[:3])
    rest = PER_CALL + PER_WEIGHT * weight.size * 2 * (needs_x + needs_weight)
    if _from_gradient(weight, tuple(stride), needs):
        pixels = math.prod(xs[0].shape[:3])
        products = multiply_cost(pixels, taps * o, c) if needs_x else 0
        products += multiply_cost(c, pixels, taps * o) if needs_weight else 0
        return rest + 1.3 * products + (PER_VALUE * pixels * taps * o if taps > 1 else 0)
    each = PER_VALUE * out_pixels * taps * c
    products = multiply_cost(out_pixels, o, taps * c) if needs_x else 0
    products += multiply_cost(taps * c, out_pixels, o) if needs_weight else 0
    return rest + 1.3 * products + each * (4 * needs_x + needs_weight)


@primitives.conv2d_grads.register(
    "im2col", when=_backward_when, cost=backward_cost, why="windows written out as rows, then one matrix product each"
)
def conv2d_grads(grad_output, xs, weight, output, stride, padding: Padding, needs):
    """See `primitives.conv2d_grads`."""
    stride = tuple(stride)
    grad_output = np.ascontiguousarray(grad_output)
    output = None if output is None else np.ascontiguousarray(output)
    xs = [np.ascontiguousarray(x) for x in xs]
    if _from_gradient(weight, stride, needs):
        return _grads_by_input(grad_output, xs, weight, output, padding, needs)
    return _grads_by_output(grad_output, xs, weight, output, stride, padding, needs)


def _grads_by_input(grad_output, xs, weight, output, padding: Padding, needs):
    """Stride 1: windows of the gradient around every pixel of the input.

    With the kernel back to front, dX[h, w] = sum over i, j of dY[h - i, w - j] g[i, j] is a convolution of dY, and
    dg[i, j] = sum over h, w of X[h, w] dY[h - i, w - j] multiplies the same windows.
    """
    needs_x, needs_weight, needs_bias = needs
    kh, kw, c, o = weight.shape
    images, height, width, _ = xs[0].shape
    before = (kh - 1 - padding[0][0], kw - 1 - padding[1][0])
    # (kh, kw, C, O) -> back to front, (kh, kw, O, C) -> (kh * kw * O, C)
    kernel = memory_pool.copy(weight[::-1, ::-1].transpose(0, 1, 3, 2)).reshape(kh * kw * o, c)
    ends = np.cumsum([0] + [x.shape[3] for x in xs])
    grad_xs = [memory_pool.empty(x.shape, x.dtype) if needed else None for x, needed in zip(xs, needs_x, strict=True)]

    def seen_from(take: Take, block: Rows) -> np.ndarray:
        """(pixels, kh * kw * O)"""
        top = block.first - before[0]
        rows = slice(max(0, top), max(0, top + block.last - block.first + kh - 1))
        passed = None if output is None else output[block.images, rows]
        gradient = masked(take, grad_output[block.images, rows], passed)
        local = (block.first - rows.start, block.last - rows.start)
        return written_out(take, [gradient], local, width, (kh, kw), (1, 1), before)

    def job(blocks: list[Rows]):
        grad_weight = memory_pool.zeros((c, kh * kw * o), weight.dtype) if needs_weight else None
        for block in blocks:
            with scratch() as take:
                seen = seen_from(take, block)
                for x, grad_x, start in zip(xs, grad_xs, ends, strict=False):
                    channels = slice(int(start), int(start) + x.shape[3])
                    if grad_x is not None:
                        part = grad_x[block.images, block.first : block.last].reshape(1, -1, x.shape[3])
                        run(multiply(seen[None], kernel[None, :, channels], part))
                    if grad_weight is not None:
                        pixels = x[block.images, block.first : block.last].reshape(1, -1, x.shape[3])
                        new = take((1, x.shape[3], kh * kw * o), weight.dtype)
                        run(multiply(pixels.transpose(0, 2, 1), seen[None], new))
                        grad_weight[channels] += new[0]
        return grad_weight

    grad_weight = None
    if by_channels.is_large(kh * kw * o, c):
        if needs_weight:
            grad_weight = memory_pool.empty((c, kh * kw * o), weight.dtype)
        for k, group in enumerate(by_channels.groups(images, height, width * kh * kw * o)):
            seen = by_channels.kept(seen_from, group, width, kh * kw * o, weight.dtype, CHUNK)
            rows = (group.images, slice(group.first, group.last))
            for x, grad_x, start in zip(xs, grad_xs, ends, strict=False):
                channels = slice(int(start), int(start) + x.shape[3])
                if grad_x is not None:
                    flat = grad_x[rows].reshape(-1, x.shape[3])

                    def write(columns: slice, values: np.ndarray, flat: np.ndarray = flat) -> None:
                        flat[:, columns] = values

                    by_channels.multiply_columns(seen, kernel[:, channels], write)
                if grad_weight is not None:
                    by_channels.add_product(grad_weight[channels], x[rows].reshape(-1, x.shape[3]), seen, first=k == 0)
    else:
        parts = parallel(job, deal(divide_rows(images, height, width * max(kh * kw * o, c), CHUNK)))
        if needs_weight:
            grad_weight = sum_in_order(parts)
    if needs_weight:
        # (C, kh * kw * O) back to front -> (kh, kw, C, O)
        grad_weight = memory_pool.copy(grad_weight.reshape(c, kh, kw, o).transpose(1, 2, 0, 3)[::-1, ::-1])
    return tuple(grad_xs), grad_weight, bias_gradient(grad_output, output) if needs_bias else None


def _grads_by_output(grad_output, xs, weight, output, stride, padding: Padding, needs):
    """Any stride: windows of the input for the weight's gradient; the input's gradient is added up tap by tap."""
    needs_x, needs_weight, needs_bias = needs
    kh, kw, c, o = weight.shape
    images, height, width, _ = grad_output.shape
    before = (padding[0][0], padding[1][0])

    def gradient_from(take: Take, block: Rows) -> np.ndarray:
        rows = (block.images, slice(block.first, block.last))
        return masked(take, grad_output[rows], None if output is None else output[rows]).reshape(-1, o)

    def seen_from(take: Take, block: Rows) -> np.ndarray:
        sources = [x[block.images] for x in xs]
        return written_out(take, sources, (block.first, block.last), width, (kh, kw), stride, before)

    def job(blocks: list[Rows]) -> tuple[np.ndarray, np.ndarray]:
        grad_weight, grad_bias = memory_pool.zeros((kh * kw * c, o), weight.dtype), np.zeros(o, weight.dtype)
        new = memory_pool.empty(grad_weight.shape, weight.dtype)
        for block in blocks:
            with scratch() as take:
                gradient, seen = gradient_from(take, block), seen_from(take, block)
                run(multiply(seen.T[None], gradient[None], new[None]))  # (window, pixels) @ (pixels, O)
                grad_weight += new
                if needs_bias:
                    grad_bias += primitives.sum_rows(gradient)
        return grad_weight, grad_bias

    grad_weight = grad_bias = None
    if needs_weight and by_channels.is_large(kh * kw * c, o):
        grad_weight = memory_pool.empty((kh * kw * c, o), weight.dtype)
        for k, group in enumerate(by_channels.groups(images, height, width * max(kh * kw * c, o))):
            seen = by_channels.kept(seen_from, group, width, kh * kw * c, weight.dtype, CHUNK)
            gradient = by_channels.kept(gradient_from, group, width, o, weight.dtype, CHUNK)
            by_channels.add_product(grad_weight, seen, gradient, first=k == 0)
        grad_weight = grad_weight.reshape(weight.shape)
        grad_bias = bias_gradient(grad_output, output) if needs_bias else None
    elif needs_weight:
        parts = parallel(job, deal(divide_rows(images, height, width * max(kh * kw * c, o), CHUNK)))
        grad_weight = sum_in_order([part[0] for part in parts]).reshape(weight.shape)
        grad_bias = sum_in_order([part[1] for part in parts]) if needs_bias else None
    elif needs_bias:
        grad_bias = bias_gradient(grad_output, output)
    grad_xs: list[np.ndarray | None] = [None] * len(xs)
    if any(needs_x):
        grad_xs = _stamped(grad_output, xs, weight, output, stride, before, needs_x)
    return tuple(grad_xs), grad_weight, grad_bias


def _stamped(grad_output, xs, weight, output, stride, before: tuple[int, int], needs_x) -> list[np.ndarray | None]:
    """The input's gradient for any stride: every pixel of the output's gradient stamps the kernel on its window."""
    (kh, kw, c, o), (sh, sw) = weight.shape, stride
    out_h, out_w = grad_output.shape[1:3]
    images, height, width, _ = xs[0].shape
    kernel = memory_pool.copy(weight.reshape(kh * kw * c, o).T)  # (O, kh * kw * C)
    grad_xs = [memory_pool.empty(x.shape, x.dtype) if needed else None for x, needed in zip(xs, needs_x, strict=True)]

    def job(block: Rows) -> None:
        # Rows of the output whose windows meet rows first .. last of the input.
        first = max(0, -(-(block.first + before[0] - kh + 1) // sh))
        last = max(first, min(out_h, (block.last - 1 + before[0]) // sh + 1))
        with scratch() as take:
            rows = (block.images, slice(first, last))
            gradient = masked(take, grad_output[rows], None if output is None else output[rows])
            stamps = take((gradient.size // o, kh * kw * c), weight.dtype)
            run(multiply(gradient.reshape(1, -1, o), kernel[None], stamps[None]))
            stamps = stamps.reshape(*gradient.shape[:3], kh, kw, c)
            # Sums for rows from `start` on, the first that a window of these meets or that is wanted; (N, rows, W, C).
            top = first * sh - before[0]
            start = min(top, block.first)
            stop = max(block.last, top + (last - first) * sh + kh)
            sums = take((len(gradient), stop - start, max(width + before[1], (out_w - 1) * sw + kw), c), weight.dtype)
            sums[:] = 0
            for i in range(kh if last > first else 0):
                at = slice(top - start + i, top - start + i + (last - first - 1) * sh + 1, sh)
                for j in range(kw):
                    sums[:, at, j : j + (out_w - 1) * sw + 1 : sw] += stamps[:, :, :, i, j]
            kept = sums[:, block.first - start : block.last - start, before[1] : before[1] + width]
            channel = 0
            for x, grad_x in zip(xs, grad_xs, strict=True):
                if grad_x is not None:
                    part = kept[..., channel : channel + x.shape[3]]
                    copy_runs(grad_x[block.images, block.first : block.last], part)
                channel += x.shape[3]

    parallel(job, divide_rows(images, height, -(-width // sw) * kh * kw * c // sh + 1, CHUNK))
    return grad_xs


def bias_gradient(grad_output: np.ndarray, output: np.ndarray | None) -> np.ndarray:
    """The sum of the gradient over all pixels, block by block."""
    images, height, width, o = grad_output.shape

    def job(blocks: list[Rows]) -> np.ndarray:
        total = np.zeros(o, grad_output.dtype)
        for block in blocks:
            with scratch() as take:
                rows = (block.images, slice(block.first, block.last))
                gradient = masked(take, grad_output[rows], None if output is None else output[rows]).reshape(-1, o)
                total += primitives.sum_rows(gradient)
        return total

    return sum_in_order(parallel(job, deal(divide_rows(images, height, width * o, CHUNK))))
