"""Convolution as one matrix product: every window written out as a row, times the kernel as a matrix.

Windows are written out for a few rows of pixels at a time, so that they are still in the cache when they are multiplied.
"""

from __future__ import annotations

import math

import numpy as np

from minunet.kernels import primitives
from minunet.kernels.cpu import memory_pool
from minunet.kernels.cpu.im2col import by_channels
from minunet.kernels.cpu.matmul import multiply, multiply_cost, run
from minunet.kernels.cpu.numpy_arrays import on_cpu
from minunet.kernels.cpu.padded_windows import padded, windows
from minunet.kernels.cpu.partition import Rows, deal, divide_rows
from minunet.kernels.cpu.scratch import Take, scratch
from minunet.kernels.cpu.strided_copy import copy_runs
from minunet.kernels.cpu.threads import parallel

CHUNK = 1 << 19  # values of written-out windows at a time; threads whose calls are short wait for each other
FEW_CHANNELS = 8  # with fewer, a row of the image is a longer run to copy than a row of a window
PER_VALUE = 0.25  # nanoseconds to write one value of a window out, measured on Zen 4
PER_OUTPUT = 0.4  # nanoseconds to add the bias to a value, rectify it and send it to memory
PER_WEIGHT = 0.5  # nanoseconds to fetch a weight, and for the gradients to turn the kernel around
PER_CALL = 30_000.0  # nanoseconds to set up chunks and wake the threads

Padding = tuple[tuple[int, int], tuple[int, int]]


def written_out(
    take: Take,
    sources: list[np.ndarray],
    rows: tuple[int, int],
    columns: int,
    kernel_size: tuple[int, int],
    stride: tuple[int, int],
    before: tuple[int, int],
) -> np.ndarray:
    """The windows of the output pixels in rows (first, last), `before` pixels of padding first: (pixels, kh * kw * C)."""
    (kh, kw), (sh, sw) = kernel_size, stride
    top, left = rows[0] * sh - before[0], -before[1]
    piece = padded(
        take, sources, (top, top + (rows[1] - rows[0] - 1) * sh + kh), (left, left + (columns - 1) * sw + kw)
    )
    if kernel_size == (1, 1) and stride == (1, 1) and piece.flags.c_contiguous:
        return piece.reshape(-1, piece.shape[3])
    if piece.shape[3] < FEW_CHANNELS and stride[1] == 1:
        return _place_by_place(take, piece, kernel_size, stride)
    seen = windows(piece, kernel_size, stride)  # (N, rows, columns, kh, kw * C)
    out = take(seen.shape, piece.dtype)
    copy_runs(out, seen)
    return out.reshape(-1, kh * seen.shape[4])


def _place_by_place(take: Take, piece: np.ndarray, kernel_size: tuple[int, int], stride: tuple[int, int]) -> np.ndarray:
    """The windows of a piece with few channels, (pixels, kh * kw * C): the transpose of what lies in memory.

    The first value of all windows, then the second: each is the image itself, shifted, in runs as long as its rows.
    """
    images, height, width, channels = piece.shape
    planes = piece.transpose(3, 0, 1, 2)  # (C, N, H, W)
    if channels > 1:
        planes = take(planes.shape, piece.dtype)
        np.copyto(planes, piece.transpose(3, 0, 1, 2))
    seen = windows(planes.reshape(channels * images, height, width, 1), kernel_size, stride)
    # (C * N, H', W', kh, kw) -> (kh, kw, C, N, H', W')
    seen = seen.reshape(channels, images, *seen.shape[1:]).transpose(4, 5, 0, 1, 2, 3)
    out = take(seen.shape, piece.dtype)
    np.copyto(out, seen)
    return out.reshape(channels * kernel_size[0] * kernel_size[1], -1).T


def _flat_size(xs, weight, stride, padding) -> tuple[int, int, int, int]:
    """Images, output height, output width, values of one window."""
    size = primitives.out_size(xs[0].shape[1:3], weight.shape[:2], stride, padding)
    return len(xs[0]), *size, math.prod(weight.shape[:3])


def _forward_when(xs, weight, bias, stride, padding, activation) -> bool:
    return on_cpu(*xs, weight, bias)


def forward_cost(xs, weight, bias, stride, padding, activation) -> float:
    images, height, width, window = _flat_size(xs, weight, stride, padding)
    pixels = images * height * width
    writing = 0 if window == weight.shape[2] else PER_VALUE * pixels * window
    rest = PER_OUTPUT * pixels * weight.shape[3] + PER_WEIGHT * weight.size
    return PER_CALL + writing + multiply_cost(pixels, window, weight.shape[3]) + rest


@primitives.conv2d.register(
    "im2col", when=_forward_when, cost=forward_cost, why="windows written out as rows, then one matrix product"
)
def conv2d(xs, weight, bias, stride, padding: Padding, activation):
    """See `primitives.conv2d`."""
    kernel_size, out_channels = weight.shape[:2], weight.shape[3]
    images, height, width, window = _flat_size(xs, weight, stride, padding)
    xs = [np.ascontiguousarray(x) for x in xs]
    before = (padding[0][0], padding[1][0])
    kernel = np.ascontiguousarray(weight).reshape(window, out_channels)
    y = memory_pool.empty((images, height, width, out_channels), weight.dtype)
    # Whole rows of pixels, because ufuncs are slow on rows as short as the channels.
    bias_row = None if bias is None else np.tile(bias, width)

    def seen_from(take: Take, block: Rows) -> np.ndarray:
        sources = [x[block.images] for x in xs]
        return written_out(take, sources, (block.first, block.last), width, kernel_size, stride, before)

    if by_channels.is_large(window, out_channels):
        for group in by_channels.groups(images, height, width * window):
            seen = by_channels.kept(seen_from, group, width, window, y.dtype, CHUNK)
            flat = y[group.images, group.first : group.last].reshape(-1, out_channels)

            def write(columns: slice, values: np.ndarray, flat: np.ndarray = flat) -> None:
                if bias is not None:
                    values += bias[columns]
                if activation == "relu":
                    np.maximum(values, 0, out=values)
                flat[:, columns] = values

            by_channels.multiply_columns(seen, kernel, write)
        return y

    def job(blocks: list[Rows]) -> None:
        for block in blocks:
            part = y[block.images, block.first : block.last]
            with scratch() as take:
                seen = seen_from(take, block)
                run(multiply(seen[None], kernel[None], part.reshape(1, -1, out_channels)))
                rows = part.reshape(-1, width * out_channels)
                if bias_row is not None:
                    rows += bias_row
                if activation == "relu":
                    zeros = take(rows.shape[-1:], y.dtype)
                    zeros[:] = 0
                    np.maximum(rows, zeros, out=rows)

    if y.size:
        parallel(job, deal(divide_rows(images, height, width * max(window, out_channels), CHUNK)))
    return y
