"""Winograd's algorithm in one dimension, down the columns, in tiles of 6 x 1 pixels; across, the kernel is applied as it is.

A block is a strip: some tile rows over the whole width of the image. Its rows of pixels are combined as they are stored,
and results are written to the image in the same way: nothing is sorted by tiles. F(m, 3) needs n * 3 products for m
outputs, so 24 for m = 6, where the definition needs 54 and tiles of 6x6 need 10.7. It suits layers with few channels, whose
products are cheap compared with the transforms.

A column of the kernel has n points. At each point there remains a convolution of rows with a kernel of 3: the product of
windows of 3 pixels with their channels, see `overlapping_rows`, and the kernel at that point, (3 * C, O).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial

import numpy as np

from minunet.kernels import primitives
from minunet.kernels.cpu.array_types import Array, Arrays, ConvGrads
from minunet.kernels.cpu.blas import single_threaded_blas
from minunet.kernels.cpu.epilogue import zeros
from minunet.kernels.cpu.matmul import RecordedCall, record_matmul, replay
from minunet.kernels.cpu.padded_crop import padded_crop
from minunet.kernels.cpu.partition import group_into_jobs, sum_in_order
from minunet.kernels.cpu.recorder import clear, do, maximum, result_array, temporary
from minunet.kernels.cpu.recording import recorded
from minunet.kernels.cpu.scratch import Allocate, scratch
from minunet.kernels.cpu.strided_copy import copy_strided
from minunet.kernels.cpu.threads import parallel
from minunet.kernels.cpu.winograd import block_sizes, cost
from minunet.kernels.cpu.winograd.column_transform import ColumnTransform, inverse_column_transform
from minunet.kernels.cpu.winograd.matrices import KERNEL_SIZE
from minunet.kernels.cpu.winograd.overlapping_rows import OverlappingRows, RowsShape
from minunet.kernels.cpu.winograd.pass_arguments import (
    WinogradBackward,
    WinogradForward,
    backward_applies,
    forward_applies,
)
from minunet.kernels.cpu.winograd.tiles import TileBlock, strips
from minunet.kernels.primitives.conv import Needs
from minunet.kernels.primitives.windows import IntPair, Padding

M = 6  # pixels of a tile: with 3 products at each point, having fewer points matters more than rounding
LABEL = f"winograd-{M}x1"
_WHY = "Winograd only down the columns: 24 products per channel instead of 54"

StripShape = tuple[int, int]  # tile rows, images


@primitives.conv2d.register(LABEL, when=forward_applies, cost=partial(cost.strips_forward_cost, M), why=_WHY)
@recorded(partial(cost.strips_forward_cost, M))
def conv2d(
    xs: Arrays, weight: np.ndarray, bias: np.ndarray | None, stride: IntPair, padding: Padding, activation: str | None
) -> np.ndarray:
    """`primitives.conv2d` for a 3x3 kernel and stride 1."""
    conv = WinogradForward(M, xs, weight, bias, padding, activation)
    matrices = conv.matrices
    # (n, 3) @ (3 down, 3 across * C * O) -> (n, 1, 3 * C, O)
    points = _transform_kernel(matrices.weight, weight.reshape(KERNEL_SIZE, -1))
    kernel_points = points.reshape(matrices.n, 1, -1, weight.shape[3])

    @contextmanager
    def workspace() -> Iterator[Callable[[StripShape], _RecordedForward]]:
        with scratch() as allocate:
            yield lru_cache(None)(partial(_RecordedForward, allocate, conv, kernel_points))

    def job(recorded_for: Callable[[StripShape], _RecordedForward], strip: TileBlock) -> None:
        if strip is all_strips[0]:
            conv.look_for_zero_windows()
        recorded_for(strip.shape[:2]).convolve(strip)

    all_strips = strips(conv.images, conv.size, M, max(weight.shape[2:]), block_sizes.VALUES_PER_STRIP)
    parallel(job, all_strips, workspace)
    return conv.finish()


class _RecordedForward:
    """The buffers for strips of one shape, and the calls from their pixels at the points to the products."""

    def __init__(self, allocate: Allocate, conv: WinogradForward, kernel_points: np.ndarray, shape: StripShape):
        self._conv = conv
        matrices, (width, o), dtype = conv.matrices, conv.y.shape[2:], conv.y.dtype
        rows_shape = (*shape, width)
        pixels = OverlappingRows(allocate, matrices.n, rows_shape, conv.weight.shape[2], dtype)
        self._columns = width + KERNEL_SIZE - 1
        left, image_width = (-conv.top_left[1], conv.xs[0].shape[2]) if len(conv.xs) == 1 else (0, self._columns)
        self._transform = ColumnTransform(matrices.input, M, pixels.first_pixels(self._columns), image_width, left)
        self._products = OverlappingRows(allocate, matrices.n, rows_shape, o, dtype)
        # (n, 3, pixels / 3, 3 * C) @ (n, 1, 3 * C, O) -> (n, 3, pixels / 3, O)
        self._calls: list[RecordedCall] = record_matmul(pixels.windows, kernel_points, self._products.pixels_by_third)
        if conv.bias is not None:
            at_bias_point = self._products.at_point(matrices.bias_point).reshape(-1)
            repeated_bias = allocate(at_bias_point.shape, dtype)
            do(np.copyto, repeated_bias.reshape(-1, o), conv.bias)
            self._calls.append(partial(np.add, at_bias_point, repeated_bias, at_bias_point))
        self._zeros = zeros(allocate, width * o, dtype) if conv.relu else None

    def convolve(self, strip: TileBlock) -> None:
        """Compute the outputs of one strip."""
        conv = self._conv
        top, left = strip.origin(M, conv.top_left)
        if len(conv.xs) == 1:
            self._transform.apply(conv.xs[0][strip.images], top)
        else:
            with scratch() as allocate:  # joined, so that one product sums over the channels of all sources
                rows = (top, top + M * strip.rows + KERNEL_SIZE - 1)
                sources = [x[strip.images] for x in conv.xs]
                joined = padded_crop(allocate, sources, rows, (left, left + self._columns))
                self._transform.apply(joined, 0)
        replay(self._calls)
        written = inverse_column_transform(
            conv.matrices.output, self._products.rows, conv.y[strip.images], strip.first_row
        )
        if self._zeros is not None:
            do(maximum, written, self._zeros, written)


@primitives.conv2d_grads.register(LABEL, when=backward_applies, cost=partial(cost.strips_backward_cost, M), why=_WHY)
@recorded(partial(cost.strips_backward_cost, M))
def conv2d_grads(
    grad_output: Array, xs: Arrays, weight: Array, output: Array | None, stride: IntPair, padding: Padding, needs: Needs
) -> ConvGrads:
    """`primitives.conv2d_grads` for a 3x3 kernel and stride 1. Every job adds up its own part of the weight's gradient."""
    conv = WinogradBackward(M, grad_output, xs, weight, output, padding, needs)
    matrices, (c, o) = conv.matrices, weight.shape[2:]
    kernel_points = None
    if conv.needs_x:
        # The kernel in reversed order, from outputs to inputs: (3, 3, O, C) -> (n, 1, 3 * O, C)
        kernel = temporary((KERNEL_SIZE, KERNEL_SIZE, o, c), weight.dtype)
        copy_strided(kernel, weight[:, ::-1].transpose(0, 1, 3, 2))
        points = _transform_kernel(matrices.weight_reversed, kernel.reshape(KERNEL_SIZE, -1))
        kernel_points = points.reshape(matrices.n, 1, KERNEL_SIZE * o, c)

    @contextmanager
    def workspace() -> Iterator[Callable[[StripShape], _RecordedBackward]]:
        with scratch() as allocate:
            yield lru_cache(None)(partial(_RecordedBackward, allocate, conv, kernel_points))

    def job(
        recorded_for: Callable[[StripShape], _RecordedBackward], job_strips: Sequence[TileBlock]
    ) -> tuple[np.ndarray | None, np.ndarray]:
        sums = temporary((matrices.n, c, KERNEL_SIZE * o), weight.dtype) if conv.needs_weight else None
        grad_bias = result_array((o,), weight.dtype)
        clear(grad_bias)
        for k, strip in enumerate(job_strips):
            recorded_for(strip.shape[:2]).propagate(strip, sums, grad_bias, first=k == 0)
        return sums, grad_bias

    all_strips = strips(conv.images, conv.size, M, max(c, o), block_sizes.VALUES_PER_GRAD_STRIP)
    parts = parallel(job, group_into_jobs(all_strips), workspace)
    grad_weight = None
    if conv.needs_weight:
        sums = sum_in_order([part[0] for part in parts])
        # (3, n) @ (n, C * 3 * O) -> (3 down, C, 3 across, O), across in reversed order
        gradient = _transform_kernel(matrices.weight_grad, sums.reshape(matrices.n, -1))
        gradient = gradient.reshape(KERNEL_SIZE, c, KERNEL_SIZE, o)
        grad_weight = result_array(weight.shape, weight.dtype)
        do(np.copyto, grad_weight, gradient.transpose(0, 2, 1, 3)[:, ::-1])
    grad_bias = sum_in_order([part[1] for part in parts]) if conv.needs_bias else None
    return conv.grad_xs, grad_weight, grad_bias


class _RecordedBackward:
    """The buffers for strips of one shape, and for every source the calls to its gradient and its part of the weight's."""

    def __init__(self, allocate: Allocate, conv: WinogradBackward, kernel_points: np.ndarray | None, shape: StripShape):
        matrices, (o,), dtype = conv.matrices, conv.weight.shape[3:], conv.weight.dtype
        rows_shape = (*shape, conv.size[1])
        self._conv = conv
        gradient = OverlappingRows(allocate, matrices.n, rows_shape, o, dtype)
        columns = gradient.first_pixels(conv.size[1] + KERNEL_SIZE - 1)
        image_width = conv.grad_output.shape[2]
        self._transform = ColumnTransform(matrices.input, M, columns, image_width, -conv.top_left[1])
        self._sources = [
            _RecordedSource(allocate, conv, gradient, kernel_points, rows_shape, k) for k in range(len(conv.xs))
        ]

    def propagate(self, strip: TileBlock, sums: np.ndarray | None, grad_bias: np.ndarray, first: bool) -> None:
        """Write the gradients of a strip's pixels, add its part of the weight's to `sums`, and of the bias's to `grad_bias`.

        The first strip of a job overwrites `sums`.
        """
        with scratch() as allocate:
            gradient, top, left = self._conv.masked_gradient(allocate, strip)
            self._transform.apply(gradient, top)
            self._conv.add_grad_bias(grad_bias, gradient, strip, top, left)
        for source in self._sources:
            source.propagate(strip, sums, first)


class _RecordedSource:
    """The part of one source in `_RecordedBackward`."""

    def __init__(
        self,
        allocate: Allocate,
        conv: WinogradBackward,
        gradient: OverlappingRows,
        kernel_points: np.ndarray | None,
        shape: RowsShape,
        index: int,
    ):
        matrices, dtype = conv.matrices, conv.weight.dtype
        self._output_matrix = matrices.output
        self._x, self._grad_x = conv.xs[index], conv.grad_xs[index]
        self._channels = conv.source_channels[index]
        count = self._x.shape[3]
        if self._grad_x is not None:
            assert kernel_points is not None
            self._x_products = OverlappingRows(allocate, matrices.n, shape, count, dtype)
            # (n, 3, pixels / 3, 3 * O) @ (n, 1, 3 * O, C) -> (n, 3, pixels / 3, C)
            self._x_calls = record_matmul(
                gradient.windows, kernel_points[..., self._channels], self._x_products.pixels_by_third
            )
        if conv.needs_weight:
            tiles = OverlappingRows(allocate, matrices.n, shape, count, dtype)
            columns = tiles.first_pixels(shape[2])
            self._tile_transform = ColumnTransform(matrices.tile, M, columns, self._x.shape[2], 0)
            self._weight_products = allocate((matrices.n, KERNEL_SIZE, count, gradient.windows.shape[3]), dtype)
            # (n, 3, C, pixels / 3) @ (n, 3, pixels / 3, 3 * O) -> (n, 3, C, 3 * O)
            self._weight_calls = record_matmul(
                tiles.pixels_by_third.transpose(0, 1, 3, 2), gradient.windows, self._weight_products
            )

    def propagate(self, strip: TileBlock, sums: np.ndarray | None, first: bool) -> None:
        """From the points of the output's gradient to this source's gradient, and to its rows of the sums."""
        if sums is not None:  # first: the source's gradient may be written over the source
            self._tile_transform.apply(self._x[strip.images], M * strip.first_row)
            replay(self._weight_calls)
            own = sums[:, self._channels]
            if first:
                do(np.add.reduce, self._weight_products, 1, None, own)
            else:
                for third in range(KERNEL_SIZE):
                    do(np.add, own, self._weight_products[:, third], own)
        if self._grad_x is not None:
            replay(self._x_calls)
            inverse_column_transform(
                self._output_matrix, self._x_products.rows, self._grad_x[strip.images], strip.first_row
            )


def _transform_kernel(matrix: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """matrix @ rows with BLAS on one thread: its own threads, once awake, compete with ours for about 20 ms."""
    out = temporary((len(matrix), rows.shape[1]), rows.dtype)
    single_threaded_blas.call(do, np.matmul, matrix, rows, out)
    return out
