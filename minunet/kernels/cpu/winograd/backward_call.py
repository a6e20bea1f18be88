"""One call of the backward pass: what it is given, what it is asked for, and where the results go.

A chunk of the input's tiles finds here the part of the output's gradient that its windows see.
"""

from __future__ import annotations

import numpy as np

from minunet.kernels import primitives
from minunet.kernels.cpu import memory_pool
from minunet.kernels.cpu.padded_windows import masked
from minunet.kernels.cpu.scratch import Take
from minunet.kernels.cpu.winograd import block_sizes
from minunet.kernels.cpu.winograd.matrices import Transforms, transforms
from minunet.kernels.cpu.winograd.tiles import Chunk, send_home


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
            memory_pool.empty(x.shape, x.dtype) if needed else None for x, needed in zip(self.xs, needs_x, strict=True)
        )
        self.weight = weight
        # Channels of the input whose gradient is wanted: from the first such source to the last.
        ends = np.cumsum([0] + [x.shape[3] for x in xs])
        self.starts = [int(end) for end in ends[:-1]]
        wanted = [k for k, needed in enumerate(needs_x) if needed]
        self.needs_x = bool(wanted)
        self.channels = slice(int(ends[wanted[0]]), int(ends[wanted[-1] + 1])) if wanted else slice(0, 0)

    @property
    def tiles_per_chunk(self) -> int:
        """How many tiles of the input to take at a time."""
        return block_sizes.tiles_per_chunk(self.t.m, self.images, self.size, max(self.weight.shape[2:]))

    def windowed(self, take: Take, chunk: Chunk) -> tuple[np.ndarray, int, int]:
        """The gradient under a chunk's windows, zero where a fused ReLU stopped it, and where the first window starts.

        Returns (images, rows, columns, O) and the row and column in it, negative inside the padding.
        """
        m = self.t.m
        gradient = self.grad_output[chunk.images]
        top, left = chunk.origin(m, self.before)
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
        return primitives.sum_rows(own.reshape(-1, own.shape[3]))  # (images * pixels, O) -> (O,)

    def send_home(self, tiles: np.ndarray, block: slice, chunk: Chunk) -> None:
        """Write tiles of the gradient of the input's channels `block` to the sources that these belong to."""
        for grad_x, start in zip(self.grad_xs, self.starts, strict=True):
            if grad_x is None:
                continue
            first, last = max(start, block.start), min(start + grad_x.shape[3], block.stop)
            if first < last:
                part = tiles[..., first - block.start : last - block.start]
                send_home(part, grad_x[..., first - start : last - start], chunk, self.t.m)
