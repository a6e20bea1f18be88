"""The gradients of the convolution: one transform of the output's gradient serves the input and the weight alike."""

from __future__ import annotations

from functools import partial

import numpy as np

from minunet.kernels.cpu.products import Step, multiply, run
from minunet.kernels.cpu.rows import even_parts, sum_in_order
from minunet.kernels.cpu.scratch import Take, scratch
from minunet.kernels.cpu.threads import parallel
from minunet.kernels.cpu.windows import masked
from minunet.kernels.cpu.winograd import plan
from minunet.kernels.cpu.winograd.forward import seen
from minunet.kernels.cpu.winograd.points import InputPoints, OutputTiles
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
        self.size = xs[0].shape[1:3]
        (top, _), (left, _) = padding
        self.before = (2 - top, 2 - left)  # the input's gradient is a convolution of the output's, padded by 2 - p
        self.grad_xs = tuple(np.empty_like(x) if needed else None for x, needed in zip(self.xs, needs_x, strict=True))
        self.weight = weight
        # Channels of the input whose gradient is wanted: from the first such source to the last.
        ends = np.cumsum([0] + [x.shape[3] for x in xs])
        self.starts = [int(end) for end in ends[:-1]]
        wanted = [k for k, needed in enumerate(needs_x) if needed]
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
    t, dtype = call.t, call.weight.dtype
    c, o = call.weight.shape[2:]
    channels = call.channels
    needs_x = channels.stop > channels.start
    chunks = divide(len(call.grad_output), call.size, t.m, plan.tiles_per_chunk(t.n, max(c, o)))
    # The kernel back to front, from outputs to inputs: (3, 3, O, C).
    u = weight_points(t.weight_flipped, call.weight[:, :, channels].transpose(0, 1, 3, 2)) if needs_x else None

    def job(part: tuple[int, int]) -> tuple[np.ndarray | None, np.ndarray]:
        with scratch() as take:
            bias_sum = np.zeros(o, dtype)
            if call.needs_weight:
                sums = take((t.n, t.n, c, o), dtype)
                sums[:] = 0
                new = take((t.n, c, o), dtype)
            shape = None
            for chunk in chunks[part[0] : sum(part)]:
                if chunk.shape != shape:  # recorded for the first chunk of a shape, repeated for the others
                    shape = chunk.shape
                    windows = InputPoints(take, t.input, t.m, shape, [o])
                    steps: list[Step] = []
                    if needs_x:
                        tiles = OutputTiles(take, t, shape, channels.stop - channels.start)
                        products = take((t.n, chunk.tile_count, channels.stop - channels.start), dtype)
                    if call.needs_weight:
                        spread = InputPoints(take, t.spread, t.m, shape, [x.shape[3] for x in call.xs])
                    for i in range(t.n):
                        steps += windows.row_steps(i)
                        if needs_x:
                            steps += multiply(windows.points, u[i], products) + tiles.row_steps(i, products)
                        if call.needs_weight:
                            steps += spread.row_steps(i) + multiply(
                                spread.points.transpose(0, 2, 1), windows.points, new
                            )
                            steps.append(partial(np.add, sums[i], new, sums[i]))
                    if needs_x:
                        steps += tiles.finish()
                with scratch() as take_gradient:
                    gradient, top, left = call.windowed(take_gradient, chunk)
                    windows.load([gradient], top, left)
                    bias_sum += call.bias_part(gradient, chunk, top, left)
                if call.needs_weight:
                    spread.load(*seen(call.xs, chunk, t.m, (0, 0)))
                run(steps)
                if needs_x:
                    call.send_home(tiles.tiles, channels, chunk)
            if not call.needs_weight:
                return None, bias_sum
            grad_weight = np.empty_like(call.weight)
            back = WeightGradient(take, t, c * o)
            for i in range(t.n):
                run(back.row_steps(i, sums[i]))
            back.finish(grad_weight)
            return grad_weight, bias_sum

    parts = parallel(job, even_parts(len(chunks), -(-len(chunks) // plan.JOBS)))
    grad_weight = sum_in_order([part[0] for part in parts]) if call.needs_weight else None
    return grad_weight, sum_in_order([part[1] for part in parts]) if call.needs_bias else None


def _by_channels(call: Gradients) -> tuple[np.ndarray | None, np.ndarray | None]:
    """All tiles of a block of the input's channels at a time, once the points of everything are there."""
    t, dtype = call.t, call.weight.dtype
    c, o = call.weight.shape[2:]
    needs_x = call.channels.stop > call.channels.start
    grad_weight = np.zeros_like(call.weight) if call.needs_weight else None
    bias_parts: list[np.ndarray] = []
    for group in divide(len(call.grad_output), call.size, t.m, plan.tiles_per_group(t.n, max(c, o))):
        gradient_points = np.empty((t.n, t.n, group.tile_count, o), dtype)
        x_points = np.empty((t.n, t.n, group.tile_count, c), dtype) if call.needs_weight else None

        def points_job(
            part: tuple[slice, Chunk], gradient_points: np.ndarray = gradient_points, x_points=x_points
        ) -> np.ndarray:
            places, chunk = part
            with scratch() as take:
                windows = InputPoints(take, t.input, t.m, chunk.shape, [o])
                gradient, top, left = call.windowed(take, chunk)
                windows.load([gradient], top, left)
                bias_part = call.bias_part(gradient, chunk, top, left)
                for i in range(t.n):
                    run(windows.row_steps(i, gradient_points[i, :, places]))
            if x_points is not None:
                with scratch() as take:
                    spread = InputPoints(take, t.spread, t.m, chunk.shape, [x.shape[3] for x in call.xs])
                    spread.load(*seen(call.xs, chunk, t.m, (0, 0)))
                    for i in range(t.n):
                        run(spread.row_steps(i, x_points[i, :, places]))
            return bias_part

        def x_job(part: tuple[int, int], group: Chunk = group, gradient_points=gradient_points) -> None:
            block = slice(call.channels.start + part[0], call.channels.start + sum(part))
            with scratch() as take:
                kernel = WeightPoints(take, t.weight_flipped, call.weight[:, :, block].transpose(0, 1, 3, 2))
                u = take((t.n, o, part[1]), dtype)
                tiles = OutputTiles(take, t, group.shape, part[1])
                products = take((t.n, group.tile_count, part[1]), dtype)
                for i in range(t.n):
                    run(kernel.row_steps(i, u) + multiply(gradient_points[i], u, products))
                    run(tiles.row_steps(i, products))
                run(tiles.finish())
                call.send_home(tiles.tiles, block, group)

        def weight_job(part: tuple[int, int], gradient_points=gradient_points, x_points=x_points) -> None:
            block = slice(part[0], sum(part))
            with scratch() as take:
                sums = take((t.n, part[1], o), dtype)
                back = WeightGradient(take, t, part[1] * o)
                for i in range(t.n):
                    # (n, C block, tiles) @ (n, tiles, O) -> (n, C block, O)
                    run(multiply(x_points[i, :, :, block].transpose(0, 2, 1), gradient_points[i], sums))
                    run(back.row_steps(i, sums))
                new = take((3, 3, part[1], o), dtype)
                back.finish(new)
                grad_weight[:, :, block] += new

        bias_parts += parallel(points_job, group.split_rows(plan.tiles_per_chunk(t.n, max(c, o))))
        if needs_x:
            parallel(x_job, even_parts(call.channels.stop - call.channels.start, plan.CHANNELS_PER_JOB))
        if call.needs_weight:
            parallel(weight_job, even_parts(c, plan.CHANNELS_PER_JOB))
    return grad_weight, sum_in_order(bias_parts) if call.needs_bias else None
