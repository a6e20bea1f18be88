"""The forward pass of im2col: the window matrix of a block times the kernel, then bias and ReLU."""

from __future__ import annotations

import math

import numpy as np

from minunet.kernels import primitives
from minunet.kernels.cpu.array_types import Arrays, are_numpy_floats
from minunet.kernels.cpu.epilogue import add_bias, bias_row, zeros
from minunet.kernels.cpu.im2col import by_channels
from minunet.kernels.cpu.im2col.window_matrix import window_blocks, window_matrix
from minunet.kernels.cpu.matmul import matmul, matmul_cost
from minunet.kernels.cpu.partition import RowBlock, parallel_blocks
from minunet.kernels.cpu.recorder import do, maximum, result_array
from minunet.kernels.cpu.recording import recorded
from minunet.kernels.cpu.scratch import Allocate
from minunet.kernels.primitives.windows import IntPair, Padding

# Nanoseconds of one core, measured on Zen 4.
PER_WINDOW_VALUE = 0.25  # to write it
PER_OUTPUT = 0.4  # to add the bias to a value, apply the ReLU and write it to memory
PER_WEIGHT = 0.5  # to read it, and for the gradients to reverse the kernel
PER_CALL = 30_000.0  # to prepare the blocks and wake the threads


def _sizes(xs: Arrays, weight: np.ndarray, stride: IntPair, padding: Padding) -> tuple[int, int, int, int]:
    """Images, height and width of the output, values of one window."""
    height, width = primitives.out_size(xs[0].shape[1:3], weight.shape[:2], stride, padding)
    return len(xs[0]), height, width, math.prod(weight.shape[:3])


def _applies(xs: Arrays, weight: np.ndarray, bias: np.ndarray | None, *_: object) -> bool:
    return are_numpy_floats(*xs, weight, bias)


def forward_cost(
    xs: Arrays, weight: np.ndarray, bias: np.ndarray | None, stride: IntPair, padding: Padding, *_: object
) -> float:
    """Estimated nanoseconds of one core for `conv2d`."""
    images, height, width, window = _sizes(xs, weight, stride, padding)
    pixels = images * height * width
    writing = 0 if window == weight.shape[2] else PER_WINDOW_VALUE * pixels * window
    rest = PER_OUTPUT * pixels * weight.shape[3] + PER_WEIGHT * weight.size
    return PER_CALL + writing + matmul_cost(pixels, window, weight.shape[3]) + rest


@primitives.conv2d.register(
    "im2col", when=_applies, cost=forward_cost, why="windows written out as rows, then one matrix product"
)
@recorded(forward_cost)
def conv2d(
    xs: Arrays, weight: np.ndarray, bias: np.ndarray | None, stride: IntPair, padding: Padding, activation: str | None
) -> np.ndarray:
    """See `primitives.conv2d`."""
    kernel_size, out_channels = weight.shape[:2], weight.shape[3]
    images, height, width, window = _sizes(xs, weight, stride, padding)
    xs = [np.ascontiguousarray(x) for x in xs]
    top_left = (padding[0][0], padding[1][0])
    kernel = np.ascontiguousarray(weight).reshape(window, out_channels)
    y = result_array((images, height, width, out_channels), weight.dtype)

    def windows_of(allocate: Allocate, block: RowBlock) -> np.ndarray:
        sources = [x[block.images] for x in xs]
        return window_matrix(allocate, sources, block.rows, width, kernel_size, stride, top_left)

    if by_channels.is_large(window, out_channels):
        for group in by_channels.groups(images, height, width * window):
            windows = by_channels.write_group(windows_of, group, width, window, y.dtype)
            outputs = y[group.index].reshape(-1, out_channels)

            def write(channels: slice, values: np.ndarray, outputs: np.ndarray = outputs) -> None:
                if bias is not None:
                    do(np.add, values, bias[channels], values)
                if activation == "relu":
                    do(maximum, values, 0, values)
                do(np.copyto, outputs[:, channels], values)

            by_channels.multiply_by_columns(windows, kernel, write)
        return y

    row_bias = bias_row(bias, width)

    def work(allocate: Allocate, block: RowBlock) -> None:
        outputs = y[block.index]
        matmul(windows_of(allocate, block)[None], kernel[None], outputs.reshape(1, -1, out_channels))
        add_bias(outputs, row_bias)
        if activation == "relu":
            rows = outputs.reshape(-1, width * out_channels)
            do(maximum, rows, zeros(allocate, rows.shape[1], y.dtype), rows)

    if y.size:
        parallel_blocks(work, window_blocks(images, height, width * max(window, out_channels)))
    return y
