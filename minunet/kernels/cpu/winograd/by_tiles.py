"""Both passes by tiles: a few tiles at a time go with all their channels from window to result, within the cache.

The steps are recorded once for all chunks of a shape. It suits kernels whose points fit the cache as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial

import numpy as np

from minunet.kernels.cpu import memory_pool
from minunet.kernels.cpu.matmul import Step, multiply, run
from minunet.kernels.cpu.partition import even_parts, sum_in_order
from minunet.kernels.cpu.scratch import Take, scratch
from minunet.kernels.cpu.threads import parallel
from minunet.kernels.cpu.winograd import block_sizes
from minunet.kernels.cpu.winograd.backward_call import Gradients
from minunet.kernels.cpu.winograd.matrices import Transforms
from minunet.kernels.cpu.winograd.tiles import Chunk, divide, send_home
from minunet.kernels.cpu.winograd.transform_2d import InputPoints, OutputTiles, Shape
from minunet.kernels.cpu.winograd.weight_transform import WeightGradient, weight_points


def forward(t: Transforms, xs, weight, bias, before: tuple[int, int], relu: bool, y: np.ndarray) -> None:
    """Convolve the images `xs`, with `before` pixels of padding above and to the left, into y (N, H, W, O)."""
    chunks = divide(
        len(y), y.shape[1:3], t.m, block_sizes.tiles_per_chunk(t.m, len(y), y.shape[1:3], max(weight.shape[2:]))
    )
    u = weight_points(t.weight, weight)

    @contextmanager
    def workspace() -> Iterator[Callable[[Shape], _ForwardChain]]:
        with scratch() as take:
            yield lru_cache(None)(partial(_ForwardChain, take, t, [x.shape[3] for x in xs], u, bias, relu))

    def job(chain_for: Callable[[Shape], _ForwardChain], chunk: Chunk) -> None:
        chain = chain_for(chunk.shape)
        chain.windows.load([x[chunk.images] for x in xs], *chunk.origin(t.m, before))
        run(chain.steps)
        send_home(chain.outputs.tiles, y, chunk, t.m)

    parallel(job, chunks, workspace)


class _ForwardChain:
    """The buffers for chunks of one shape, and the steps from their windows to their tiles, recorded once."""

    def __init__(self, take: Take, t: Transforms, channels, u: np.ndarray, bias, relu: bool, shape: Shape):
        o, tiles = u.shape[3], math.prod(shape)
        bands = block_sizes.bands(t.n, tiles * max(sum(channels), o))
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
            self.steps.append(self.outputs.rectify(take))


def backward(call: Gradients) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Fill `call.grad_xs`; return the gradients of weight and bias. Every job adds up its own part of these."""
    t = call.t
    c, o = call.weight.shape[2:]
    chunks = divide(call.images, call.size, t.m, call.tiles_per_chunk)
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
                chain.spread.load([x[chunk.images] for x in call.xs], *chunk.origin(t.m, (0, 0)))
            run(chain.first_steps if k == 0 else chain.steps)
            if chain.tiles is not None:
                call.send_home(chain.tiles.tiles, call.channels, chunk)
        return None if space.sums is None else space.weight_gradient(), bias_sum

    jobs = even_parts(len(chunks), -(-len(chunks) // block_sizes.jobs(c, o)))
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

    def chain_for(self, shape: Shape) -> _BackwardChain:
        """The chain for chunks of this shape."""
        if shape not in self._chains:
            self._chains[shape] = _BackwardChain(self._take, self._call, self._u, shape, self.sums)
        return self._chains[shape]

    @classmethod
    @contextmanager
    def of_thread(cls, call: Gradients, u: np.ndarray | None) -> Iterator[_Workspace]:
        """The workspace, in this thread's working memory."""
        with scratch() as take:
            yield cls(take, call, u)

    def weight_gradient(self) -> np.ndarray:
        """What was added up, as a gradient of the kernel."""
        grad_weight = memory_pool.empty(self._call.weight.shape, self._call.weight.dtype)
        run(self._back.band_steps(slice(None), self.sums))
        self._back.finish(grad_weight)
        return grad_weight


class _BackwardChain:
    """The buffers for chunks of one shape, and the steps from their windows to all gradients, recorded once."""

    def __init__(self, take: Take, call: Gradients, u: np.ndarray | None, shape: Shape, sums):
        t, (c, o), tiles = call.t, call.weight.shape[2:], math.prod(shape)
        bands = block_sizes.bands(t.n, tiles * max(c, o))
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
