"""The forward convolution: windows to points, one product per point, products to tiles."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial

import numpy as np

from minunet.kernels.cpu import pool
from minunet.kernels.cpu.products import Step, multiply, run
from minunet.kernels.cpu.rows import even_parts
from minunet.kernels.cpu.scratch import Take, scratch
from minunet.kernels.cpu.threads import parallel
from minunet.kernels.cpu.winograd import plan
from minunet.kernels.cpu.winograd.points import InputPoints, OutputTiles, Shape
from minunet.kernels.cpu.winograd.tiles import Chunk, divide, send_home
from minunet.kernels.cpu.winograd.transforms import Transforms, transforms
from minunet.kernels.cpu.winograd.weights import WeightPoints, weight_points


def forward(
    m: int,
    xs: tuple[np.ndarray, ...],
    weight: np.ndarray,
    bias: np.ndarray | None,
    padding: tuple[tuple[int, int], tuple[int, int]],
    activation: str | None,
) -> np.ndarray:
    """`conv2d` with a 3x3 kernel and stride 1, in tiles of m x m outputs. See `reference.conv2d` for the arguments."""
    xs = tuple(np.ascontiguousarray(x) for x in xs)
    t = transforms(m, weight.dtype)
    (top, bottom), (left, right) = padding
    images, height, width, _ = xs[0].shape
    c, o = weight.shape[2:]
    y = pool.empty((images, height + top + bottom - 2, width + left + right - 2, o), weight.dtype)
    by = _by_tiles if plan.by_tiles(c, o) else _by_channels
    by(t, xs, weight, bias, (top, left), activation == "relu", y)
    return y


def _by_tiles(t: Transforms, xs, weight, bias, before, relu: bool, y: np.ndarray) -> None:
    """All channels of a few tiles at a time, from window to finished tile within the cache."""
    chunks = divide(len(y), y.shape[1:3], t.m, plan.tiles_per_chunk(t.m, len(y), y.shape[1:3], max(weight.shape[2:])))
    u = weight_points(t.weight, weight)

    @contextmanager
    def workspace() -> Iterator[Callable[[Shape], _Chain]]:
        with scratch() as take:
            yield lru_cache(None)(partial(_Chain, take, t, [x.shape[3] for x in xs], u, bias, relu))

    def job(chain_for: Callable[[Shape], _Chain], chunk: Chunk) -> None:
        chain = chain_for(chunk.shape)
        chain.windows.load(*seen(xs, chunk, t.m, before))
        run(chain.steps)
        send_home(chain.outputs.tiles, y, chunk, t.m)

    parallel(job, chunks, workspace)


class _Chain:
    """The buffers for chunks of one shape, and the steps from their windows to their tiles, recorded once."""

    def __init__(self, take: Take, t: Transforms, channels, u: np.ndarray, bias, relu: bool, shape: Shape):
        o, tiles = u.shape[3], math.prod(shape)
        bands = plan.bands(t.n, tiles * max(sum(channels), o))
        band = bands[0].stop
        self.windows = InputPoints(take, t.input, t.m, shape, channels, band)
        self.outputs = OutputTiles(take, t, shape, o)
        products = take((band, t.n, tiles, o), u.dtype)
        self.steps: list[Step] = []
        for rows in bands:
            self.steps += self.windows.band_steps(rows) + multiply(self.windows.points, u[rows], products)
            if bias is not None and t.bias_point in range(rows.start, rows.stop):
                at_one = products[t.bias_point - rows.start, t.bias_point]
                self.steps.append(partial(np.add, at_one, bias, at_one))
            self.steps += self.outputs.band_steps(rows, products)
        self.steps += self.outputs.finish()
        if relu:
            self.steps.append(rectify(take, self.outputs.flat))


def _by_channels(t: Transforms, xs, weight, bias, before, relu: bool, y: np.ndarray) -> None:
    """All tiles of a block of output channels at a time, once the points of all windows are there."""
    c, o = weight.shape[2:]
    for group in divide(len(y), y.shape[1:3], t.m, plan.tiles_per_group(t.n, max(c, o))):
        points = pool.empty((t.n, t.n, group.tile_count, c), y.dtype)

        def windows_job(part: tuple[slice, Chunk], points: np.ndarray = points) -> None:
            places, chunk = part
            bands = plan.bands(t.n, chunk.tile_count * c)
            with scratch() as take:
                windows = InputPoints(take, t.input, t.m, chunk.shape, [x.shape[3] for x in xs], bands[0].stop)
                windows.load(*seen(xs, chunk, t.m, before))
                for rows in bands:
                    run(windows.band_steps(rows, points[rows, :, places]))

        def channels_job(part: tuple[int, int], group: Chunk = group, points: np.ndarray = points) -> None:
            block = slice(part[0], sum(part))
            bands = plan.bands(t.n, max(c, group.tile_count) * part[1])
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
                    rectify(take, outputs.flat)()
                send_home(outputs.tiles, y[..., block], group, t.m)

        parallel(windows_job, group.split_rows(plan.tiles_per_chunk(t.m, len(y), y.shape[1:3], c)))
        parallel(channels_job, even_parts(o, plan.CHANNELS_PER_JOB))


def seen(xs: tuple[np.ndarray, ...], chunk: Chunk, m: int, before: tuple[int, int]) -> tuple[list, int, int]:
    """A chunk's images, and the row and column of its first window, when `before` pixels of padding come first."""
    return [x[chunk.images] for x in xs], m * chunk.first_row - before[0], m * chunk.first_column - before[1]


def rectify(take: Take, flat: np.ndarray) -> Step:
    """A step for flat = max(flat, 0). Against an array of zeros np.maximum is twice as fast as against a number."""
    zeros = take(flat.shape[-1:], flat.dtype)
    zeros[:] = 0
    return partial(np.maximum, flat, zeros, out=flat)
