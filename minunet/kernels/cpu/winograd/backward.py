"""The gradients of the convolution: one transform of the output's gradient serves the input and the weight alike."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np

from minunet.kernels.cpu import pool
from minunet.kernels.cpu.products import Step, multiply, run
from minunet.kernels.cpu.rows import even_parts, sum_in_order
from minunet.kernels.cpu.scratch import Take, scratch
from minunet.kernels.cpu.threads import parallel
from minunet.kernels.cpu.windows import masked
from minunet.kernels.cpu.winograd import plan
from minunet.kernels.cpu.winograd.forward import seen
from minunet.kernels.cpu.winograd.points import InputPoints, OutputTiles, Shape
from minunet.kernels.cpu.winograd.tiles import Chunk, divide, send_home
from minunet.kernels.cpu.winograd.transforms import Transforms, transforms
from minunet.kernels.cpu.winograd.weights import WeightGradient, WeightPoints, weight_points


class Gradients:
    """What one call of `conv2d_grads` is given and asked for, and the arrays it fills."""

    def __init__(self, m: int, grad_output, xs, weight, output, padding, needs):
        needs_x, self.needs_weight, self.needs_bias = needs
        self.t: Transforms = transforms(m, weight.dtype)
        self.grad_output = np.ascontiguousarray(grad_output)
        self.output = None if output is None else np.ascontiguousarray(output)
        self.xs = tuple(np.ascontiguousarray(x) for x in xs)
        self.images, self.size = len(xs[0]), xs[0].shape[1:3]
        (top, _), (left, _) = padding
        self.before = (2 - top, 2 - left)  # the input's gradient is a convolution of the output's, padded by 2 - p
        self.grad_xs = tuple(
            pool.empty(x.shape, x.dtype) if needed else None for x, needed in zip(self.xs, needs_x, strict=True)
        )
        self.weight = weight
        # Channels of the input whose gradient is wanted: from the first such source to the last.
        ends = np.cumsum([0] + [x.shape[3] for x in xs])
        self.starts = [int(end) for end in ends[:-1]]
        wanted = [k for k, needed in enumerate(needs_x) if needed]
        self.needs_x = bool(wanted)
        self.channels = slice(int(ends[wanted[0]]), int(ends[wanted[-1] + 1])) if wanted else slice(0, 0)

    def windowed(self, take: Take, chunk: Chunk) -> tuple[np.ndarray, int, int]:
        """The gradient under a chunk's windows, zero where a fused ReLU stopped it, and where the first window starts.

        Returns (images, rows, columns, O) and the row and column in it, negative inside the padding.
        """
        m = self.t.m
        gradient = self.grad_output[chunk.images]
        top, left = m * chunk.first_row - self.before[0], m * chunk.first_column - self.before[1]
        if self.output is None:
            return gradient, top, left
        rows = slice(max(0, top), max(0, top + m * chunk.rows + 2))
        columns = slice(max(0, left), max(0, left + m * chunk.columns + 2))
        stopped = masked(take, gradient[:, rows, columns], self.output[chunk.images, rows, columns])
        return stopped, top - rows.start, left - columns.start

    def bias_part(self, gradient: np.ndarray, chunk: Chunk, top: int, left: int) -> np.ndarray:
        """The sum of the gradient over the pixels that belong to this chunk and to no other: (O,).

        `gradient`, `top` and `left` are what `windowed` returned. A chunk owns the pixels from where its first window
        starts to where the next chunk's first window does.
        """
        m = self.t.m
        rows = slice(max(0, top), top + m * chunk.rows)
        columns = slice(max(0, left), left + m * chunk.columns)
        if m * (chunk.first_row + chunk.rows) >= self.size[0]:
            rows = slice(rows.start, None)
        if m * (chunk.first_column + chunk.columns) >= self.size[1]:
            columns = slice(columns.start, None)
        own = gradient[:, rows, columns]
        own = own.reshape(len(own), -1, own.shape[3])  # (images, pixels, O)
        ones = np.ones((1, own.shape[1]), own.dtype)
        return np.matmul(ones, own).sum(axis=(0, 1))  # (1, pixels) @ (images, pixels, O) -> (images, 1, O) -> (O,)

    def send_home(self, tiles: np.ndarray, block: slice, chunk: Chunk) -> None:
        """Write tiles of the gradient of the input's channels `block` to the sources that these belong to."""
        for grad_x, start in zip(self.grad_xs, self.starts, strict=True):
            if grad_x is None:
                continue
            first, last = max(start, block.start), min(start + grad_x.shape[3], block.stop)
            if first < last:
                part = tiles[..., first - block.start : last - block.start]
                send_home(part, grad_x[..., first - start : last - start], chunk, self.t.m)


def backward(m: int, grad_output, xs, weight, output, padding, needs):
    """`conv2d_grads` for a 3x3 kernel and stride 1, in tiles of m x m. See `reference.conv2d_grads` for the arguments."""
    call = Gradients(m, grad_output, xs, weight, output, padding, needs)
    c, o = weight.shape[2:]
    grad_weight, grad_bias = (_by_tiles if plan.by_tiles(c, o) else _by_channels)(call)
    return call.grad_xs, grad_weight, grad_bias


def _by_tiles(call: Gradients) -> tuple[np.ndarray | None, np.ndarray | None]:
    """All channels of a few tiles at a time; every job adds up its own part of the weight's gradient."""
    t = call.t
    c, o = call.weight.shape[2:]
    chunks = divide(call.images, call.size, t.m, plan.tiles_per_chunk(t.m, call.images, call.size, max(c, o)))
    u = None
    if call.needs_x:  # the kernel back to front, from outputs to inputs: (3, 3, O, C)
        u = weight_points(t.weight_flipped, call.weight[:, :, call.channels].transpose(0, 1, 3, 2))

    def job(space: _Workspace, part: tuple[int, int]) -> tuple[np.ndarray | None, np.ndarray]:
        bias_sum = np.zeros(o, call.weight.dtype)
        for k, chunk in enumerate(chunks[part[0] : sum(part)]):
            chain = space.chain_for(chunk.shape)
            with scratch() as take:
                gradient, top, left = call.windowed(take, chunk)
                chain.windows.load([gradient], top, left)
                bias_sum += call.bias_part(gradient, chunk, top, left)
            if chain.spread is not None:
                chain.spread.load(*seen(call.xs, chunk, t.m, (0, 0)))
            run(chain.first_steps if k == 0 else chain.steps)
            if chain.tiles is not None:
                call.send_home(chain.tiles.tiles, call.channels, chunk)
        return None if space.sums is None else space.weight_gradient(), bias_sum

    jobs = even_parts(len(chunks), -(-len(chunks) // plan.jobs(c, o)))
    parts = parallel(job, jobs, partial(_Workspace.of_thread, call, u))
    grad_weight = sum_in_order([part[0] for part in parts]) if call.needs_weight else None
    return grad_weight, sum_in_order([part[1] for part in parts]) if call.needs_bias else None


class _Workspace:
    """What one thread needs for the gradients by tiles: sums at the points, and a chain for every shape of chunk."""

    def __init__(self, take: Take, call: Gradients, u: np.ndarray | None):
        self._take, self._call = take, call
        t, (c, o), dtype = call.t, call.weight.shape[2:], call.weight.dtype
        self.sums = None
        if call.needs_weight:
            self.sums = take((t.n, t.n, c, o), dtype)
            self._back = WeightGradient(take, t, c * o)
        self._u, self._chains = u, {}

    def chain_for(self, shape: Shape) -> _Chain:
        """The chain for chunks of this shape."""
        if shape not in self._chains:
            self._chains[shape] = _Chain(self._take, self._call, self._u, shape, self.sums)
        return self._chains[shape]

    @classmethod
    @contextmanager
    def of_thread(cls, call: Gradients, u: np.ndarray | None) -> Iterator[_Workspace]:
        """The workspace, in this thread's working memory."""
        with scratch() as take:
            yield cls(take, call, u)

    def weight_gradient(self) -> np.ndarray:
        """What was added up, as a gradient of the kernel."""
        grad_weight = pool.empty(self._call.weight.shape, self._call.weight.dtype)
        run(self._back.band_steps(slice(None), self.sums))
        self._back.finish(grad_weight)
        return grad_weight


class _Chain:
    """The buffers for chunks of one shape, and the steps from their windows to all gradients, recorded once."""

    def __init__(self, take: Take, call: Gradients, u: np.ndarray | None, shape: Shape, sums):
        t, (c, o), tiles = call.t, call.weight.shape[2:], math.prod(shape)
        bands = plan.bands(t.n, tiles * max(c, o))
        band = bands[0].stop
        self.windows = InputPoints(take, t.input, t.m, shape, [o], band)
        self.tiles = self.spread = None
        if u is not None:
            self.tiles = OutputTiles(take, t, shape, u.shape[3])
            products = take((band, t.n, tiles, u.shape[3]), u.dtype)
        if sums is not None:
            self.spread = InputPoints(take, t.spread, t.m, shape, [x.shape[3] for x in call.xs], band)
            new = take((band, t.n, c, o), sums.dtype)
        self.steps: list[Step] = []
        self.first_steps: list[Step] = []  # the same for the first chunk of a job, which overwrites the sums
        for rows in bands:
            steps = self.windows.band_steps(rows)
            if self.tiles is not None:
                steps += multiply(self.windows.points, u[rows], products) + self.tiles.band_steps(rows, products)
            if self.spread is not None:
                # (band, n, C, tiles) @ (band, n, tiles, O) -> (band, n, C, O)
                x_points = self.spread.points.transpose(0, 1, 3, 2)
                steps += self.spread.band_steps(rows)
                self.first_steps += steps + multiply(x_points, self.windows.points, sums[rows])
                steps += multiply(x_points, self.windows.points, new)
                steps.append(partial(np.add, sums[rows], new, sums[rows]))
            else:
                self.first_steps += steps
            self.steps += steps
        if self.tiles is not None:
            self.steps += self.tiles.finish()
            self.first_steps += self.tiles.finish()


def _by_channels(call: Gradients) -> tuple[np.ndarray | None, np.ndarray | None]:
    """All tiles of a block of the input's channels at a time, once the points of everything are there."""
    t, dtype = call.t, call.weight.dtype
    c, o = call.weight.shape[2:]
    grad_weight = pool.zeros(call.weight.shape, dtype) if call.needs_weight else None
    bias_parts: list[np.ndarray] = []
    for group in divide(call.images, call.size, t.m, plan.tiles_per_group(t.n, max(c, o))):
        gradient_points = pool.empty((t.n, t.n, group.tile_count, o), dtype)
        x_points = pool.empty((t.n, t.n, group.tile_count, c), dtype) if call.needs_weight else None

        def points_job(
            part: tuple[slice, Chunk], gradient_points: np.ndarray = gradient_points, x_points=x_points
        ) -> np.ndarray:
            places, chunk = part
            bands = plan.bands(t.n, chunk.tile_count * max(c, o))
            band = bands[0].stop
            with scratch() as take:
                windows = InputPoints(take, t.input, t.m, chunk.shape, [o], band)
                gradient, top, left = call.windowed(take, chunk)
                windows.load([gradient], top, left)
                bias_part = call.bias_part(gradient, chunk, top, left)
                for rows in bands:
                    run(windows.band_steps(rows, gradient_points[rows, :, places]))
            if x_points is not None:
                with scratch() as take:
                    spread = InputPoints(take, t.spread, t.m, chunk.shape, [x.shape[3] for x in call.xs], band)
                    spread.load(*seen(call.xs, chunk, t.m, (0, 0)))
                    for rows in bands:
                        run(spread.band_steps(rows, x_points[rows, :, places]))
            return bias_part

        def x_job(part: tuple[int, int], group: Chunk = group, gradient_points=gradient_points) -> None:
            block = slice(call.channels.start + part[0], call.channels.start + sum(part))
            with scratch() as take:
                bands = plan.bands(t.n, max(o, group.tile_count) * part[1])
                band = bands[0].stop
                kernel = WeightPoints(take, t.weight_flipped, call.weight[:, :, block].transpose(0, 1, 3, 2))
                u = take((band, t.n, o, part[1]), dtype)
                tiles = OutputTiles(take, t, group.shape, part[1])
                products = take((band, t.n, group.tile_count, part[1]), dtype)
                for rows in bands:
                    run(kernel.band_steps(rows, u) + multiply(gradient_points[rows], u, products))
                    run(tiles.band_steps(rows, products))
                run(tiles.finish())
                call.send_home(tiles.tiles, block, group)

        def weight_job(part: tuple[int, int], gradient_points=gradient_points, x_points=x_points) -> None:
            block = slice(part[0], sum(part))
            with scratch() as take:
                bands = plan.bands(t.n, part[1] * o)
                sums = take((bands[0].stop, t.n, part[1], o), dtype)
                back = WeightGradient(take, t, part[1] * o)
                for rows in bands:
                    # (band, n, C block, tiles) @ (band, n, tiles, O) -> (band, n, C block, O)
                    run(multiply(x_points[rows, :, :, block].transpose(0, 1, 3, 2), gradient_points[rows], sums))
                    run(back.band_steps(rows, sums))
                new = take((3, 3, part[1], o), dtype)
                back.finish(new)
                grad_weight[:, :, block] += new

        bias_parts += parallel(
            points_job, group.split_rows(plan.tiles_per_chunk(t.m, call.images, call.size, max(c, o)))
        )
        if call.needs_x:
            parallel(x_job, even_parts(call.channels.stop - call.channels.start, plan.CHANNELS_PER_JOB))
        if call.needs_weight:
            parallel(weight_job, even_parts(c, plan.CHANNELS_PER_JOB))
    return grad_weight, sum_in_order(bias_parts) if call.needs_bias else None
