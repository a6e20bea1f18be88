"""Both passes by tiles: each block of tiles goes with all its channels from windows to results, within the cache.

The calls are recorded once for all blocks of a shape. It suits kernels whose points fit the cache as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial

import numpy as np

from minunet.kernels.cpu.matmul import RecordedCall, record_matmul, replay
from minunet.kernels.cpu.partition import even_slices, sum_in_order
from minunet.kernels.cpu.recorder import clear, result_array
from minunet.kernels.cpu.scratch import Allocate, SharedBuffers, scratch, within
from minunet.kernels.cpu.threads import parallel
from minunet.kernels.cpu.winograd import block_sizes
from minunet.kernels.cpu.winograd.pass_arguments import WinogradBackward, WinogradForward
from minunet.kernels.cpu.winograd.tiles import TileBlock, tile_blocks, write_tiles
from minunet.kernels.cpu.winograd.transform_2d import BlockShape, InputTransform, OutputTransform
from minunet.kernels.cpu.winograd.weight_transform import WeightGradTransform, transform_weight


def forward(conv: WinogradForward) -> None:
    """Fill `conv.y`."""
    matrices = conv.matrices
    tiles = block_sizes.tiles_per_block(matrices.m, conv.images, conv.size, max(conv.weight.shape[2:]))
    blocks = tile_blocks(conv.images, conv.size, matrices.m, tiles)
    kernel_points = transform_weight(matrices.weight, conv.weight)

    @contextmanager
    def workspace() -> Iterator[Callable[[BlockShape], _RecordedForward]]:
        with scratch() as allocate:
            yield lru_cache(None)(partial(_RecordedForward, allocate, conv, kernel_points))

    def job(recorded_for: Callable[[BlockShape], _RecordedForward], block: TileBlock) -> None:
        if block is blocks[0]:
            conv.look_for_zero_windows()
        recorded = recorded_for(block.shape)
        recorded.windows.load([x[block.images] for x in conv.xs], *block.origin(matrices.m, conv.top_left))
        replay(recorded.calls)
        write_tiles(recorded.outputs.tiles, conv.y, block, matrices.m)

    parallel(job, blocks, workspace)


class _RecordedForward:
    """The buffers for blocks of one shape, and the calls from their windows to their tiles."""

    def __init__(self, allocate: Allocate, conv: WinogradForward, kernel_points: np.ndarray, shape: BlockShape):
        matrices, tiles = conv.matrices, math.prod(shape)
        c, o = conv.weight.shape[2:]
        bands = block_sizes.bands(matrices.n, tiles * max(c, o))
        band = bands[0].stop
        channels = [x.shape[3] for x in conv.xs]
        self.windows = InputTransform(allocate, matrices.input, matrices.m, shape, channels, band)
        self.outputs = OutputTransform(allocate, matrices, shape, o)
        products = allocate((band, matrices.n, tiles, o), kernel_points.dtype)
        self.calls: list[RecordedCall] = []
        for rows in bands:
            self.calls += self.windows.record_band(rows)
            self.calls += record_matmul(self.windows.points, kernel_points[rows], products)
            if conv.bias is not None and matrices.bias_point in range(rows.start, rows.stop):
                at_bias_point = products[matrices.bias_point - rows.start, matrices.bias_point]
                self.calls.append(partial(np.add, at_bias_point, conv.bias, at_bias_point))
            self.calls += self.outputs.record_band(rows, products)
        self.calls += self.outputs.record_finish()
        if conv.relu:
            self.calls += self.outputs.record_relu(allocate)


def backward(conv: WinogradBackward) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Fill `conv.grad_xs`; return the gradients of weight and bias, of which every job adds up a part of its own."""
    matrices, (c, o) = conv.matrices, conv.weight.shape[2:]
    blocks = tile_blocks(conv.images, conv.size, matrices.m, conv.tiles_per_block)
    kernel_points = None
    if conv.needs_x:  # of the kernel in reversed order, from outputs to inputs: (3, 3, O, C)
        kernel = conv.weight[:, :, conv.channels].transpose(0, 1, 3, 2)
        kernel_points = transform_weight(matrices.weight_reversed, kernel)

    def job(workspace: _BackwardWorkspace, job_blocks: slice) -> tuple[np.ndarray | None, np.ndarray]:
        grad_bias = result_array((o,), conv.weight.dtype)
        clear(grad_bias)
        for k, block in enumerate(blocks[job_blocks]):
            recorded = workspace.recorded_for(block.shape)
            with scratch() as allocate:
                gradient, top, left = conv.masked_gradient(recorded.before_products(allocate), block)
                recorded.windows.load([gradient], top, left)
                conv.add_grad_bias(grad_bias, gradient, block, top, left)
            if recorded.x_tiles is not None:
                recorded.x_tiles.load([x[block.images] for x in conv.xs], *block.origin(matrices.m, (0, 0)))
            replay(recorded.first_calls if k == 0 else recorded.calls)
            if recorded.grad_x_tiles is not None:
                conv.write_grad_xs(recorded.grad_x_tiles.tiles, conv.channels, block)
        return workspace.grad_weight(), grad_bias

    jobs = even_slices(len(blocks), -(-len(blocks) // block_sizes.grad_weight_jobs(c, o)))
    largest = max((block.shape for block in blocks), key=math.prod)
    parts = parallel(job, jobs, partial(_backward_workspace, conv, kernel_points, largest))
    grad_weight = sum_in_order([part[0] for part in parts]) if conv.needs_weight else None
    return grad_weight, sum_in_order([part[1] for part in parts]) if conv.needs_bias else None


class _BackwardWorkspace:
    """The workspace of one thread in the backward pass: the sums of the weight's gradient at the points, and recorded calls."""

    def __init__(
        self, allocate: Allocate, conv: WinogradBackward, kernel_points: np.ndarray | None, largest: BlockShape
    ):
        matrices, (c, o), dtype = conv.matrices, conv.weight.shape[2:], conv.weight.dtype
        self._conv, self._kernel_points = conv, kernel_points
        self._bands = block_sizes.bands(matrices.n, math.prod(largest) * max(c, o))
        self._sums: np.ndarray | None = None
        if conv.needs_weight:
            self._sums = allocate((matrices.n, matrices.n, c, o), dtype)
            self._grad_transform = WeightGradTransform(allocate, matrices, c * o)
        self._buffers = SharedBuffers(allocate)
        self._recorded: dict[BlockShape, _RecordedBackward] = {}
        self.recorded_for(largest)  # first: the buffers for other shapes, with the same bands, lie within its own

    def recorded_for(self, shape: BlockShape) -> _RecordedBackward:
        """The recorded calls for blocks of this shape."""
        if shape not in self._recorded:
            self._recorded[shape] = _RecordedBackward(
                self._buffers.new_set(), self._conv, self._kernel_points, shape, self._bands, self._sums
            )
        return self._recorded[shape]

    def grad_weight(self) -> np.ndarray | None:
        """The sums of one job as a gradient of the kernel; None where it is not needed."""
        if self._sums is None:
            return None
        grad_weight = result_array(self._conv.weight.shape, self._conv.weight.dtype)
        replay(self._grad_transform.record_band(slice(None), self._sums))
        self._grad_transform.finish(grad_weight)
        return grad_weight


@contextmanager
def _backward_workspace(
    conv: WinogradBackward, kernel_points: np.ndarray | None, largest: BlockShape
) -> Iterator[_BackwardWorkspace]:
    with scratch() as allocate:
        yield _BackwardWorkspace(allocate, conv, kernel_points, largest)


class _RecordedBackward:
    """The buffers for blocks of one shape, and the calls from their windows to all gradients.

    Attributes
    ----------
    windows : InputTransform
        Of the output's gradient.
    x_tiles : InputTransform or None
        Of the input, for the weight's gradient.
    grad_x_tiles : OutputTransform or None
        Of the input's gradient.
    calls, first_calls : list
        `first_calls` are for the first block of a job: they overwrite the sums, where `calls` add to them.
    """

    def __init__(
        self,
        allocate: Allocate,
        conv: WinogradBackward,
        kernel_points: np.ndarray | None,
        shape: BlockShape,
        bands: Sequence[slice],
        sums: np.ndarray | None,
    ):
        matrices, (c, o), tiles = conv.matrices, conv.weight.shape[2:], math.prod(shape)
        band = bands[0].stop
        self.windows = InputTransform(allocate, matrices.input, matrices.m, shape, [o], band)
        self.grad_x_tiles = self.x_tiles = None
        if sums is not None:
            sources = [x.shape[3] for x in conv.xs]
            self.x_tiles = InputTransform(allocate, matrices.tile, matrices.m, shape, sources, band)
            weight_products = allocate((band, matrices.n, c, o), sums.dtype)
        if kernel_points is not None:
            channels = kernel_points.shape[3]
            loaded = None if self.x_tiles is None else self.x_tiles.memory
            self.grad_x_tiles = OutputTransform(allocate, matrices, shape, channels, loaded)
            x_products = allocate((band, matrices.n, tiles, channels), kernel_points.dtype)
        self.calls: list[RecordedCall] = []
        self.first_calls: list[RecordedCall] = []
        for rows in bands:
            calls = self.windows.record_band(rows)
            if kernel_points is not None and self.grad_x_tiles is not None:
                calls += record_matmul(self.windows.points, kernel_points[rows], x_products)
                calls += self.grad_x_tiles.record_band(rows, x_products)
            if sums is not None and self.x_tiles is not None:
                # (band, n, C, tiles) @ (band, n, tiles, O) -> (band, n, C, O)
                x_points = self.x_tiles.points.transpose(0, 1, 3, 2)
                calls += self.x_tiles.record_band(rows)
                self.first_calls += calls + record_matmul(x_points, self.windows.points, sums[rows])
                calls += record_matmul(x_points, self.windows.points, weight_products)
                calls.append(partial(np.add, sums[rows], weight_products, sums[rows]))
            else:
                self.first_calls += calls
            self.calls += calls
        if self.grad_x_tiles is not None:
            self.calls += self.grad_x_tiles.record_finish()
            self.first_calls += self.grad_x_tiles.record_finish()

    def before_products(self, allocate: Allocate) -> Allocate:
        """An `allocate` for what is no longer needed once the products begin: in memory that is not needed before."""
        return allocate if self.grad_x_tiles is None else within(self.grad_x_tiles.half, allocate)
