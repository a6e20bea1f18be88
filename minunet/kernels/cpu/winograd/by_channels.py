"""Both passes by channels: the points of all windows first, then all tiles of a block of channels at a time.

It suits deep layers, whose kernel has far more points than the few tiles: the points of a block of it are made, used
and forgotten, and never fill memory.
"""

from __future__ import annotations

import numpy as np

from minunet.kernels.cpu import memory_pool
from minunet.kernels.cpu.matmul import multiply, run
from minunet.kernels.cpu.partition import even_parts, sum_in_order
from minunet.kernels.cpu.scratch import scratch
from minunet.kernels.cpu.threads import parallel
from minunet.kernels.cpu.winograd import block_sizes
from minunet.kernels.cpu.winograd.backward_call import Gradients
from minunet.kernels.cpu.winograd.matrices import Transforms
from minunet.kernels.cpu.winograd.tiles import Chunk, divide, send_home
from minunet.kernels.cpu.winograd.transform_2d import InputPoints, OutputTiles
from minunet.kernels.cpu.winograd.weight_transform import WeightGradient, WeightPoints


def forward(t: Transforms, xs, weight, bias, before: tuple[int, int], relu: bool, y: np.ndarray) -> None:
    """Convolve the images `xs`, with `before` pixels of padding above and to the left, into y (N, H, W, O)."""
    c, o = weight.shape[2:]
    for group in divide(len(y), y.shape[1:3], t.m, block_sizes.tiles_per_group(t.n, max(c, o))):
        points = memory_pool.empty((t.n, t.n, group.tile_count, c), y.dtype)

        def windows_job(part: tuple[slice, Chunk], points: np.ndarray = points) -> None:
            places, chunk = part
            bands = block_sizes.bands(t.n, chunk.tile_count * c)
            with scratch() as take:
                windows = InputPoints(take, t.input, t.m, chunk.shape, [x.shape[3] for x in xs], bands[0].stop)
                windows.load([x[chunk.images] for x in xs], *chunk.origin(t.m, before))
                for rows in bands:
                    run(windows.band_steps(rows, points[rows, :, places]))

        def channels_job(part: tuple[int, int], group: Chunk = group, points: np.ndarray = points) -> None:
            block = slice(part[0], sum(part))
            bands = block_sizes.bands(t.n, max(c, group.tile_count) * part[1])
            band = bands[0].stop
            with scratch() as take:
                kernel = WeightPoints(take, t.weight, weight[..., block])
                u = take((band, t.n, c, part[1]), y.dtype)
                outputs = OutputTiles(take, t, group.shape, part[1])
                products = take((band, t.n, group.tile_count, part[1]), y.dtype)
                for rows in bands:
                    run(kernel.band_steps(rows, u) + multiply(points[rows], u, products))
                    if bias is not None and t.bias_point in range(rows.start, rows.stop):
                        products[t.bias_point - rows.start, t.bias_point] += bias[block]
                    run(outputs.band_steps(rows, products))
                run(outputs.finish())
                if relu:
                    outputs.rectify(take)()
                send_home(outputs.tiles, y[..., block], group, t.m)

        parallel(windows_job, group.split_rows(block_sizes.tiles_per_chunk(t.m, len(y), y.shape[1:3], c)))
        parallel(channels_job, even_parts(o, block_sizes.channels_per_job(o)))


def backward(call: Gradients) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Fill `call.grad_xs`; return the gradients of weight and bias."""
    t, dtype = call.t, call.weight.dtype
    c, o = call.weight.shape[2:]
    grad_weight = memory_pool.zeros(call.weight.shape, dtype) if call.needs_weight else None
    bias_parts: list[np.ndarray] = []
    for group in divide(call.images, call.size, t.m, block_sizes.tiles_per_group(t.n, max(c, o))):
        gradient_points = memory_pool.empty((t.n, t.n, group.tile_count, o), dtype)
        x_points = memory_pool.empty((t.n, t.n, group.tile_count, c), dtype) if call.needs_weight else None

        def points_job(
            part: tuple[slice, Chunk], gradient_points: np.ndarray = gradient_points, x_points=x_points
        ) -> np.ndarray:
            places, chunk = part
            bands = block_sizes.bands(t.n, chunk.tile_count * max(c, o))
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
                    spread.load([x[chunk.images] for x in call.xs], *chunk.origin(t.m, (0, 0)))
                    for rows in bands:
                        run(spread.band_steps(rows, x_points[rows, :, places]))
            return bias_part

        def x_job(part: tuple[int, int], group: Chunk = group, gradient_points=gradient_points) -> None:
            block = slice(call.channels.start + part[0], call.channels.start + sum(part))
            with scratch() as take:
                bands = block_sizes.bands(t.n, max(o, group.tile_count) * part[1])
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
                bands = block_sizes.bands(t.n, part[1] * o)
                sums = take((bands[0].stop, t.n, part[1], o), dtype)
                back = WeightGradient(take, t, part[1] * o)
                for rows in bands:
                    # (band, n, C block, tiles) @ (band, n, tiles, O) -> (band, n, C block, O)
                    run(multiply(x_points[rows, :, :, block].transpose(0, 1, 3, 2), gradient_points[rows], sums))
                    run(back.band_steps(rows, sums))
                new = take((3, 3, part[1], o), dtype)
                back.finish(new)
                grad_weight[:, :, block] += new

        bias_parts += parallel(points_job, group.split_rows(call.tiles_per_chunk))
        wanted = call.channels.stop - call.channels.start
        per_job = block_sizes.channels_per_job(c, call.needs_x and call.needs_weight)
        jobs = [(x_job, part) for part in even_parts(wanted, per_job) if call.needs_x]
        jobs += [(weight_job, part) for part in even_parts(c, per_job) if call.needs_weight]
        parallel(lambda job: job[0](job[1]), jobs)
    return grad_weight, sum_in_order(bias_parts) if call.needs_bias else None
