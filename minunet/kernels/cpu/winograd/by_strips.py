"""Both passes by strips: Winograd's algorithm down the columns alone, the kernel's three columns side by side.

A strip is some rows of pixels over the whole width. Its rows are combined as they lie, long runs of memory, and results
go back to the image in the same way: nothing is sorted by tiles. For F(m, 3) that takes n * 3 products for m outputs, so
24 for 6 where the definition takes 54 and tiles of 6x6 take 10.7. It suits few channels, whose products are cheap beside
the transforms.

Shapes: a kernel's column of 3 goes to n points, so that at each point is left a convolution of rows with 3 taps. Its
windows, 3 pixels with their channels, are written out as lines of a matrix (pixels, 3 * C).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minunet.kernels.cpu import pool
from minunet.kernels.cpu.blas import one_thread
from minunet.kernels.cpu.products import multiply, run, transform
from minunet.kernels.cpu.rows import deal, divide_rows, sum_in_order
from minunet.kernels.cpu.runs import copy_runs
from minunet.kernels.cpu.scratch import Take, scratch
from minunet.kernels.cpu.threads import parallel
from minunet.kernels.cpu.winograd import plan
from minunet.kernels.cpu.winograd.gradients import Gradients
from minunet.kernels.cpu.winograd.points import vertical
from minunet.kernels.cpu.winograd.tiles import Chunk
from minunet.kernels.cpu.winograd.transforms import KERNEL, Transforms


def strips(images: int, size: tuple[int, int], m: int, channels: int) -> list[Chunk]:
    """Cut images of `size` (height, width) into strips of whole rows of tiles, m pixels high, for so many channels."""
    height, width = size
    values_per_row = (m + 2) * KERNEL * width * channels
    return [
        Chunk(rows.images, rows.first, rows.last - rows.first, 0, -(-width // m))
        for rows in divide_rows(images, -(-height // m), values_per_row, plan.STRIP)
    ]


def forward(t: Transforms, xs, weight, bias, before: tuple[int, int], relu: bool, y: np.ndarray) -> None:
    """Convolve the images `xs`, with `before` pixels of padding above and to the left, into y (N, H, W, O)."""
    _, height, width, o = y.shape
    ends = np.cumsum([0] + [x.shape[3] for x in xs])
    # (n, 3) @ (3 down, 3 across * C * O) -> (n, 3 across, C, O); then source by source, as the windows lie.
    kernel = _alone(t.weight, weight.reshape(KERNEL, -1)).reshape(t.n, *weight.shape[1:])
    kernel = np.concatenate(
        [kernel[:, :, a:b].reshape(t.n, -1, o) for a, b in zip(ends, ends[1:], strict=False)], axis=1
    )
    bias_row = None if bias is None else np.tile(bias, width)

    def job(chunk: Chunk) -> None:
        with scratch() as take:
            windows = _windows(take, t, [x[chunk.images] for x in xs], chunk, width, *chunk.origin(t.m, before))
            products = take((t.n, windows.shape[1], o), y.dtype)
            run(multiply(windows, kernel, products))  # (n, pixels, 3 * C) @ (n, 3 * C, O)
            if bias_row is not None:
                at_one = products[t.bias_point].reshape(-1, width * o)
                at_one += bias_row
            _send_home(t, products, y, chunk)
            if relu:
                rows = y[chunk.images, t.m * chunk.first_row : t.m * (chunk.first_row + chunk.rows)]
                rows = rows.reshape(len(rows), -1)
                zeros = take(rows.shape[1:], y.dtype)  # twice as fast as against the number 0
                zeros[:] = 0
                np.maximum(rows, zeros, out=rows)

    parallel(job, strips(len(y), (height, width), t.m, max(weight.shape[2:])))


def backward(call: Gradients) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Fill `call.grad_xs`; return the gradients of weight and bias. Every job adds up its own part of these."""
    t, dtype = call.t, call.weight.dtype
    (c, o), width = call.weight.shape[2:], call.size[1]
    # The kernel back to front, from outputs to inputs: (3, 3, O, C) -> (n, 3 * O, C)
    turned = call.weight[:, ::-1].transpose(0, 1, 3, 2)
    kernel = None
    if call.needs_x:
        kernel = _alone(t.weight_flipped, turned.reshape(KERNEL, -1)).reshape(t.n, KERNEL * o, c)

    def job(chunks: Sequence[Chunk]) -> tuple[np.ndarray | None, np.ndarray]:
        sums = pool.zeros((t.n, c, KERNEL * o), dtype) if call.needs_weight else None
        bias_sum = np.zeros(o, dtype)
        for chunk in chunks:
            with scratch() as take:
                gradient, top, left = call.windowed(take, chunk)
                bias_sum += call.bias_part(gradient, chunk, top, left)
                windows = _windows(take, t, [gradient], chunk, width, top, left)
                for x, grad_x, first in zip(call.xs, call.grad_xs, call.starts, strict=True):
                    channels = slice(first, first + x.shape[3])
                    if grad_x is not None:
                        products = take((t.n, windows.shape[1], x.shape[3]), dtype)
                        run(multiply(windows, kernel[:, :, channels], products))  # (n, pixels, 3 * O) @ (n, 3 * O, C)
                        _send_home(t, products, grad_x, chunk)
                    if sums is not None:
                        rows, images, _ = chunk.shape
                        spread = take((t.n, rows, images, width, x.shape[3]), dtype)
                        vertical(t.spread, t.m, x[chunk.images], spread, t.m * chunk.first_row, 0)
                        by_channel = spread.reshape(t.n, -1, x.shape[3]).transpose(0, 2, 1)
                        new = take((t.n, x.shape[3], KERNEL * o), dtype)
                        run(multiply(by_channel, windows, new))  # (n, C, pixels) @ (n, pixels, 3 * O)
                        sums[:, channels] += new
        return sums, bias_sum

    parts = parallel(job, deal(strips(call.images, call.size, t.m, max(c, o))))
    grad_weight = None
    if call.needs_weight:
        sums = sum_in_order([part[0] for part in parts])
        # (3, n) @ (n, C * 3 * O) -> (3 down, C, 3 across, O), across back to front
        grad_weight = _alone(t.weight_grad, sums.reshape(t.n, -1)).reshape(KERNEL, c, KERNEL, o)
        grad_weight = pool.copy(grad_weight.transpose(0, 2, 1, 3)[:, ::-1])
    return grad_weight, sum_in_order([part[1] for part in parts]) if call.needs_bias else None


def _alone(matrix: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """matrix @ rows on this thread: threads of the BLAS, once woken, take turns with ours for some 20 ms."""
    with one_thread:
        return np.matmul(matrix, rows)


def _windows(
    take: Take, t: Transforms, sources: Sequence[np.ndarray], chunk: Chunk, width: int, top: int, left: int
) -> np.ndarray:
    """The points of a strip's columns, B^T d, in windows of three neighbours: (n, pixels, 3 * C), source by source.

    The first window starts at the pixel (top, left) of the sources (images, H, W, C_i), which are zero outside.
    """
    rows, images, _ = chunk.shape
    channels = [source.shape[3] for source in sources]
    windows = take((t.n, rows, images, width, KERNEL * sum(channels)), t.input.dtype)
    first = 0
    for source, count in zip(sources, channels, strict=True):
        points = take((t.n, rows, images, width + KERNEL - 1, count), t.input.dtype)
        vertical(t.input, t.m, source, points, top, left)
        last = first + KERNEL * count
        # (n, rows, images, width, 3 * C), a view in which windows overlap
        neighbours = np.ndarray((*windows.shape[:4], KERNEL * count), points.dtype, points, 0, points.strides)
        copy_runs(windows[..., first:last], neighbours)
        first = last
    return windows.reshape(t.n, -1, KERNEL * sum(channels))


def _send_home(t: Transforms, products: np.ndarray, target: np.ndarray, chunk: Chunk) -> None:
    """A^T M: products at the points (n, pixels, C) to a strip's pixels in the images (N, H, W, C)."""
    m, (rows, images, _) = t.m, chunk.shape
    _, height, width, c = target.shape
    # (n, rows * images * W, C) -> (rows, images, n, W * C)
    points = products.reshape(t.n, rows, images, width * c).transpose(1, 2, 0, 3)
    part = target[chunk.images]
    whole = min(rows, height // m - chunk.first_row)
    if whole:
        start = m * chunk.first_row
        # (images, rows * m, W, C) -> (rows, images, m, W * C)
        pixels = part[:, start : start + m * whole].reshape(images, whole, m, width * c).transpose(1, 0, 2, 3)
        run(transform(t.output, points[:whole], pixels))
    if whole < rows:  # the last row of tiles reaches beyond the image
        start = m * (chunk.first_row + whole)
        pixels = part[:, start:].reshape(images, height - start, width * c)
        run(transform(t.output[: height - start], points[whole], pixels))
