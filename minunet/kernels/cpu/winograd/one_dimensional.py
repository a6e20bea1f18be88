"""Both passes by strips: Winograd's algorithm down the columns alone, the kernel's three columns side by side.

A strip is some rows of pixels over the whole width. Its rows are combined as they lie, long runs of memory, and results
go back to the image in the same way: nothing is sorted by tiles. For F(m, 3) that takes n * 3 products for m outputs, so
24 for 6 where the definition takes 54 and tiles of 6x6 take 10.7. It suits few channels, whose products are cheap beside
the transforms.

A kernel's column of 3 goes to n points, so that at each point is left a convolution of rows with 3 taps: the product of
windows of 3 pixels with their channels, see `lines`, and the kernel at that point, (3 * C, O).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial

import numpy as np

from minunet.kernels.cpu import memory_pool
from minunet.kernels.cpu.blas import one_thread
from minunet.kernels.cpu.matmul import Step, multiply, run
from minunet.kernels.cpu.padded_windows import padded
from minunet.kernels.cpu.partition import deal, divide_rows, sum_in_order
from minunet.kernels.cpu.scratch import Take, scratch
from minunet.kernels.cpu.threads import parallel
from minunet.kernels.cpu.winograd import block_sizes
from minunet.kernels.cpu.winograd.backward_call import Gradients
from minunet.kernels.cpu.winograd.column_transform import ToPoints, to_pixels
from minunet.kernels.cpu.winograd.matrices import KERNEL, Transforms
from minunet.kernels.cpu.winograd.overlapping_rows import Lines
from minunet.kernels.cpu.winograd.tiles import Chunk


def strips(images: int, size: tuple[int, int], m: int, channels: int, values: int) -> list[Chunk]:
    """Cut images of `size` (height, width) into strips of whole rows of tiles, m pixels high.

    A strip's pixels at all points have about `values` values where they have so many channels.
    """
    height, width = size
    return [
        Chunk(rows.images, rows.first, rows.last - rows.first, 0, -(-width // m))
        for rows in divide_rows(images, -(-height // m), (m + 2) * width * channels, values)
    ]


def forward(t: Transforms, xs, weight, bias, before: tuple[int, int], relu: bool, y: np.ndarray) -> None:
    """Convolve the images `xs`, with `before` pixels of padding above and to the left, into y (N, H, W, O)."""
    # (n, 3) @ (3 down, 3 across * C * O) -> (n, 1, 3 * C, O)
    kernel = _alone(t.weight, weight.reshape(KERNEL, -1)).reshape(t.n, 1, -1, weight.shape[3])

    @contextmanager
    def workspace() -> Iterator[Callable[[tuple[int, int]], _ForwardChain]]:
        with scratch() as take:
            yield lru_cache(None)(partial(_ForwardChain, take, t, xs, kernel, bias, before, relu, y))

    def job(chain_for: Callable[[tuple[int, int]], _ForwardChain], chunk: Chunk) -> None:
        chain_for(chunk.shape[:2]).convolve(chunk)

    parallel(job, strips(len(y), y.shape[1:3], t.m, max(weight.shape[2:]), block_sizes.STRIP), workspace)


class _ForwardChain:
    """The buffers for strips of one shape, and the steps from their pixels at the points to the products, recorded once."""

    def __init__(self, take: Take, t: Transforms, xs, kernel, bias, before: tuple[int, int], relu: bool, y, shape):
        self._t, self._xs, self._y, self._before = t, xs, y, before
        (rows, images), (width, o) = shape, y.shape[2:]
        lines = Lines(take, t.n, (rows, images, width), kernel.shape[2] // KERNEL, y.dtype)
        self._columns = width + KERNEL - 1
        left, seen = (-before[1], xs[0].shape[2]) if len(xs) == 1 else (0, self._columns)
        self._load = ToPoints(t.input, t.m, lines.first(self._columns), seen, left)
        self._products = Lines(take, t.n, (rows, images, width), o, y.dtype)
        # (n, 3, pixels / 3, 3 * C) @ (n, 1, 3 * C, O) -> (n, 3, pixels / 3, O)
        self._steps: list[Step] = multiply(lines.windows, kernel, self._products.thirds)
        if bias is not None:
            at_one = self._products.at(t.bias_point).reshape(-1)
            bias_row = take(at_one.shape, y.dtype)
            bias_row.reshape(-1, o)[...] = bias
            self._steps.append(partial(np.add, at_one, bias_row, at_one))
        self._zeros = None
        if relu:  # twice as fast as against the number 0
            self._zeros = take((width * o,), y.dtype)
            self._zeros[...] = 0

    def convolve(self, chunk: Chunk) -> None:
        """The outputs of one strip."""
        top, left = chunk.origin(self._t.m, self._before)
        if len(self._xs) == 1:
            self._load.load(self._xs[0][chunk.images], top)
        else:
            with scratch() as take:  # side by side, so that one product sees the channels of all
                rows = (top, top + self._t.m * chunk.rows + KERNEL - 1)
                joined = padded(take, [x[chunk.images] for x in self._xs], rows, (left, left + self._columns))
                self._load.load(joined, 0)
        run(self._steps)
        written = to_pixels(self._t.output, self._products.rows, self._y[chunk.images], chunk.first_row)
        if self._zeros is not None:
            np.maximum(written, self._zeros, out=written)


def backward(call: Gradients) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Fill `call.grad_xs`; return the gradients of weight and bias. Every job adds up its own part of these."""
    t, (c, o) = call.t, call.weight.shape[2:]
    # The kernel back to front, from outputs to inputs: (3, 3, O, C) -> (n, 1, 3 * O, C)
    turned = call.weight[:, ::-1].transpose(0, 1, 3, 2)
    kernel = None
    if call.needs_x:
        kernel = _alone(t.weight_flipped, turned.reshape(KERNEL, -1)).reshape(t.n, 1, KERNEL * o, c)

    @contextmanager
    def workspace() -> Iterator[Callable[[tuple[int, int]], _BackwardChain]]:
        with scratch() as take:
            yield lru_cache(None)(partial(_BackwardChain, take, call, kernel))

    def job(chain_for, chunks: Sequence[Chunk]) -> tuple[np.ndarray | None, np.ndarray]:
        sums = memory_pool.empty((t.n, c, KERNEL * o), call.weight.dtype) if call.needs_weight else None
        bias_sum = np.zeros(o, call.weight.dtype)
        for k, chunk in enumerate(chunks):
            bias_sum += chain_for(chunk.shape[:2]).propagate(chunk, sums, first=k == 0)
        return sums, bias_sum

    parts = parallel(job, deal(strips(call.images, call.size, t.m, max(c, o), block_sizes.GRADIENT_STRIP)), workspace)
    grad_weight = None
    if call.needs_weight:
        sums = sum_in_order([part[0] for part in parts])
        # (3, n) @ (n, C * 3 * O) -> (3 down, C, 3 across, O), across back to front
        grad_weight = _alone(t.weight_grad, sums.reshape(t.n, -1)).reshape(KERNEL, c, KERNEL, o)
        grad_weight = memory_pool.copy(grad_weight.transpose(0, 2, 1, 3)[:, ::-1])
    return grad_weight, sum_in_order([part[1] for part in parts]) if call.needs_bias else None


class _BackwardChain:
    """The buffers for strips of one shape, and for every source the steps to its gradient and the weight's, recorded once."""

    def __init__(self, take: Take, call: Gradients, kernel: np.ndarray | None, shape: tuple[int, int]):
        t, dtype = call.t, call.weight.dtype
        o = call.weight.shape[3]
        strip = (*shape, call.size[1])
        self._call = call
        self._gradient = Lines(take, t.n, strip, o, dtype)
        columns = self._gradient.first(strip[2] + KERNEL - 1)
        self._load = ToPoints(t.input, t.m, columns, call.grad_output.shape[2], -call.before[1])
        self._sources = [_Source(take, call, self._gradient, kernel, strip, k) for k in range(len(call.xs))]

    def propagate(self, chunk: Chunk, sums: np.ndarray | None, first: bool) -> np.ndarray:
        """Write the gradients of a strip's pixels, add its share of the weight's to `sums`; return the bias's share.

        The first strip overwrites what `sums` held.
        """
        with scratch() as take:
            gradient, top, left = self._call.windowed(take, chunk)
            self._load.load(gradient, top)
            bias = self._call.bias_part(gradient, chunk, top, left)
        for source in self._sources:
            source.propagate(chunk, sums, first)
        return bias


class _Source:
    """One source's part in a chain of the backward pass."""

    def __init__(self, take: Take, call: Gradients, gradient: Lines, kernel: np.ndarray | None, strip, index: int):
        t, dtype = call.t, call.weight.dtype
        self._t, self._x, self._grad_x = t, call.xs[index], call.grad_xs[index]
        count = self._x.shape[3]
        self._channels = slice(call.starts[index], call.starts[index] + count)
        if self._grad_x is not None:
            self._products = Lines(take, t.n, strip, count, dtype)
            # (n, 3, pixels / 3, 3 * O) @ (n, 1, 3 * O, C) -> (n, 3, pixels / 3, C)
            self._to_products = multiply(gradient.windows, kernel[..., self._channels], self._products.thirds)
        if call.needs_weight:
            spread = Lines(take, t.n, strip, count, dtype)
            self._spread = ToPoints(t.spread, t.m, spread.first(strip[2]), self._x.shape[2], 0)
            self._new = take((t.n, KERNEL, count, gradient.windows.shape[3]), dtype)
            # (n, 3, C, pixels / 3) @ (n, 3, pixels / 3, 3 * O) -> (n, 3, C, 3 * O)
            self._to_new = multiply(spread.thirds.transpose(0, 1, 3, 2), gradient.windows, self._new)

    def propagate(self, chunk: Chunk, sums: np.ndarray | None, first: bool) -> None:
        """From the gradient of the outputs, at the points, to this source's gradient and its rows of the sums."""
        if self._grad_x is not None:
            run(self._to_products)
            to_pixels(self._t.output, self._products.rows, self._grad_x[chunk.images], chunk.first_row)
        if sums is not None:
            self._spread.load(self._x[chunk.images], self._t.m * chunk.first_row)
            run(self._to_new)
            own = sums[:, self._channels]
            if first:
                np.sum(self._new, axis=1, out=own)
            else:
                for third in range(KERNEL):
                    own += self._new[:, third]


def _alone(matrix: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """matrix @ rows on this thread: threads of the BLAS, once woken, take turns with ours for some 20 ms."""
    with one_thread:
        return np.matmul(matrix, rows)
