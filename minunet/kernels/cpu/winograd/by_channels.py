"""Both passes by channels: the points of all windows of a group first, then all tiles of a block of channels at a time.

It suits deep layers, whose kernel has far more points than the few tiles have: the points of a block of the kernel are
computed, used and dropped, and never fill the memory.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from minunet.kernels.cpu.matmul import record_matmul, replay
from minunet.kernels.cpu.partition import even_slices, sum_in_order
from minunet.kernels.cpu.recorder import clear, do, result_array, temporary
from minunet.kernels.cpu.scratch import scratch
from minunet.kernels.cpu.threads import parallel
from minunet.kernels.cpu.winograd import block_sizes
from minunet.kernels.cpu.winograd.pass_arguments import WinogradBackward, WinogradForward
from minunet.kernels.cpu.winograd.tiles import TileBlock, tile_blocks, write_tiles
from minunet.kernels.cpu.winograd.transform_2d import InputTransform, OutputTransform
from minunet.kernels.cpu.winograd.weight_transform import WeightGradTransform, WeightTransform


def forward(conv: WinogradForward) -> None:
    """Fill `conv.y`."""
    tiles = block_sizes.tiles_per_group(conv.matrices.n, max(conv.weight.shape[2:]))
    for group in tile_blocks(conv.images, conv.size, conv.matrices.m, tiles):
        _forward_group(conv, group)


def _forward_group(conv: WinogradForward, group: TileBlock) -> None:
    matrices, weight, y, bias = conv.matrices, conv.weight, conv.y, conv.bias
    c, o = weight.shape[2:]
    points = temporary((matrices.n, matrices.n, group.tile_count, c), y.dtype)

    def windows_job(part: tuple[slice, TileBlock]) -> None:
        tiles, block = part
        if block.images.start == block.first_row == block.first_column == 0:
            conv.look_for_zero_windows()
        bands = block_sizes.bands(matrices.n, block.tile_count * c)
        with scratch() as allocate:
            channels = [x.shape[3] for x in conv.xs]
            windows = InputTransform(allocate, matrices.input, matrices.m, block.shape, channels, bands[0].stop)
            windows.load([x[block.images] for x in conv.xs], *block.origin(matrices.m, conv.top_left))
            for rows in bands:
                replay(windows.record_band(rows, points[rows, :, tiles]))

    def channels_job(channels: slice) -> None:
        count = channels.stop - channels.start
        bands = block_sizes.bands(matrices.n, max(c, group.tile_count) * count)
        band = bands[0].stop
        with scratch() as allocate:
            kernel = WeightTransform(allocate, matrices.weight, weight[..., channels])
            kernel_points = allocate((band, matrices.n, c, count), y.dtype)
            outputs = OutputTransform(allocate, matrices, group.shape, count)
            products = allocate((band, matrices.n, group.tile_count, count), y.dtype)
            for rows in bands:
                replay(kernel.record_band(rows, kernel_points) + record_matmul(points[rows], kernel_points, products))
                if bias is not None and matrices.bias_point in range(rows.start, rows.stop):
                    at_bias_point = products[matrices.bias_point - rows.start, matrices.bias_point]
                    do(np.add, at_bias_point, bias[channels], at_bias_point)
                replay(outputs.record_band(rows, products))
            replay(outputs.record_finish())
            if conv.relu:
                replay(outputs.record_relu(allocate))
            write_tiles(outputs.tiles, y[..., channels], group, matrices.m)

    parallel(windows_job, group.split_rows(block_sizes.tiles_per_block(matrices.m, conv.images, conv.size, c)))
    parallel(channels_job, even_slices(o, block_sizes.channels_per_job(o)))


def backward(conv: WinogradBackward) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Fill `conv.grad_xs`; return the gradients of weight and bias."""
    grad_weight = None
    if conv.needs_weight:
        grad_weight = result_array(conv.weight.shape, conv.weight.dtype)
        clear(grad_weight)
    bias_parts: list[np.ndarray] = []
    tiles = block_sizes.tiles_per_group(conv.matrices.n, max(conv.weight.shape[2:]))
    for group in tile_blocks(conv.images, conv.size, conv.matrices.m, tiles):
        bias_parts += _backward_group(conv, group, grad_weight)
    return grad_weight, sum_in_order(bias_parts) if conv.needs_bias else None


def _backward_group(conv: WinogradBackward, group: TileBlock, grad_weight: np.ndarray | None) -> list[np.ndarray]:
    """Fill the group's part of `conv.grad_xs`, add to `grad_weight`; return parts of the bias's gradient."""
    matrices, dtype = conv.matrices, conv.weight.dtype
    c, o = conv.weight.shape[2:]
    gradient_points = temporary((matrices.n, matrices.n, group.tile_count, o), dtype)
    x_points = None
    if grad_weight is not None:
        x_points = temporary((matrices.n, matrices.n, group.tile_count, c), dtype)

    def points_job(part: tuple[slice, TileBlock]) -> np.ndarray:
        tiles, block = part
        bands = block_sizes.bands(matrices.n, block.tile_count * max(c, o))
        band = bands[0].stop
        grad_bias = result_array((o,), dtype)
        clear(grad_bias)
        with scratch() as allocate:
            windows = InputTransform(allocate, matrices.input, matrices.m, block.shape, [o], band)
            gradient, top, left = conv.masked_gradient(allocate, block)
            windows.load([gradient], top, left)
            conv.add_grad_bias(grad_bias, gradient, block, top, left)
            for rows in bands:
                replay(windows.record_band(rows, gradient_points[rows, :, tiles]))
        if x_points is not None:
            with scratch() as allocate:
                sources = [x.shape[3] for x in conv.xs]
                x_tiles = InputTransform(allocate, matrices.tile, matrices.m, block.shape, sources, band)
                x_tiles.load([x[block.images] for x in conv.xs], *block.origin(matrices.m, (0, 0)))
                for rows in bands:
                    replay(x_tiles.record_band(rows, x_points[rows, :, tiles]))
        return grad_bias

    def grad_x_job(part: slice) -> None:
        channels = slice(conv.channels.start + part.start, conv.channels.start + part.stop)
        count = part.stop - part.start
        with scratch() as allocate:
            bands = block_sizes.bands(matrices.n, max(o, group.tile_count) * count)
            band = bands[0].stop
            reversed_kernel = conv.weight[:, :, channels].transpose(0, 1, 3, 2)
            kernel = WeightTransform(allocate, matrices.weight_reversed, reversed_kernel)
            kernel_points = allocate((band, matrices.n, o, count), dtype)
            outputs = OutputTransform(allocate, matrices, group.shape, count)
            products = allocate((band, matrices.n, group.tile_count, count), dtype)
            for rows in bands:
                replay(kernel.record_band(rows, kernel_points))
                replay(record_matmul(gradient_points[rows], kernel_points, products))
                replay(outputs.record_band(rows, products))
            replay(outputs.record_finish())
            conv.write_grad_xs(outputs.tiles, channels, group)

    def grad_weight_job(grad_weight: np.ndarray, x_points: np.ndarray, channels: slice) -> None:
        count = channels.stop - channels.start
        with scratch() as allocate:
            bands = block_sizes.bands(matrices.n, count * o)
            sums = allocate((bands[0].stop, matrices.n, count, o), dtype)
            transform = WeightGradTransform(allocate, matrices, count * o)
            for rows in bands:
                # (band, n, C block, tiles) @ (band, n, tiles, O) -> (band, n, C block, O)
                points = x_points[rows, :, :, channels].transpose(0, 1, 3, 2)
                replay(record_matmul(points, gradient_points[rows], sums))
                replay(transform.record_band(rows, sums))
            gradient = allocate((3, 3, count, o), dtype)
            transform.finish(gradient)
            own = grad_weight[:, :, channels]
            do(np.add, own, gradient, own)

    grad_bias_parts = parallel(points_job, group.split_rows(conv.tiles_per_block))
    per_job = block_sizes.channels_per_job(c, conv.needs_x and conv.needs_weight)
    jobs: list[Callable[[], None]] = []
    if conv.needs_x:
        channel_count = conv.channels.stop - conv.channels.start
        jobs += [partial(grad_x_job, part) for part in even_slices(channel_count, per_job)]
    if grad_weight is not None and x_points is not None:
        jobs += [partial(grad_weight_job, grad_weight, x_points, part) for part in even_slices(c, per_job)]
    parallel(lambda job: job(), jobs)
    return grad_bias_parts
