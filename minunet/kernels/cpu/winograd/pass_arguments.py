"""One forward or backward pass of a convolution: its arguments, made contiguous, and the arrays for its results.

For a block of tiles of the input, `WinogradBackward` gives the part of the output's gradient under the block's windows.
"""

from __future__ import annotations

import numpy as np

from minunet.kernels import primitives
from minunet.kernels.cpu.array_types import (
    Array,
    Arrays,
    are_floats_and_mask,
    are_numpy_floats,
    channel_slices,
    grad_x_array,
)
from minunet.kernels.cpu.epilogue import add_row_sums, masked_gradient
from minunet.kernels.cpu.recorder import do, is_recording, result_array, temporary
from minunet.kernels.cpu.scratch import Allocate
from minunet.kernels.cpu.winograd import block_sizes
from minunet.kernels.cpu.winograd.matrices import KERNEL_SIZE, matrices_for
from minunet.kernels.cpu.winograd.tiles import TileBlock, write_tiles
from minunet.kernels.cpu.winograd.zero_windows import (
    add_channels,
    grids_of_pixels,
    may_have_zero_windows,
    write_to_zero_windows,
)
from minunet.kernels.primitives.conv import Needs
from minunet.kernels.primitives.windows import IntPair, Padding


def _is_possible(xs: Arrays, weight: Array, stride: IntPair, padding: Padding) -> bool:
    if weight.shape[:2] != (KERNEL_SIZE, KERNEL_SIZE) or tuple(stride) != (1, 1) or len(xs[0]) == 0:
        return False
    return all(0 <= p <= 2 for pair in padding for p in pair)


def forward_applies(
    xs: Arrays, weight: Array, bias: Array | None, stride: IntPair, padding: Padding, *_: object
) -> bool:
    """Whether Winograd's algorithm can compute `primitives.conv2d` with these arguments."""
    return _is_possible(xs, weight, stride, padding) and are_numpy_floats(*xs, weight, bias)


def backward_applies(
    grad_output: Array, xs: Arrays, weight: Array, output: Array | None, stride: IntPair, padding: Padding, *_: object
) -> bool:
    """Whether Winograd's algorithm can compute `primitives.conv2d_grads` with these arguments."""
    return _is_possible(xs, weight, stride, padding) and are_floats_and_mask(output, grad_output, *xs, weight)


class WinogradForward:
    """The arguments of `conv2d`, and the array `y` for its result.

    Attributes
    ----------
    top_left : (int, int)
        Padding above and to the left of the images.
    zero_windows : bool
        Whether there may be windows of nothing but zeros, after `look_for_zero_windows`.
    """

    def __init__(self, m: int, xs: Arrays, weight: Array, bias: Array | None, padding: Padding, activation: str | None):
        self.matrices = matrices_for(m, weight.dtype)
        self.xs = tuple(np.ascontiguousarray(x) for x in xs)
        self.weight, self.bias, self.relu = weight, bias, activation == "relu"
        (top, _), (left, _) = padding
        self.top_left = (top, left)
        self.images = len(xs[0])
        self.size = primitives.out_size(xs[0].shape[1:3], weight.shape[:2], (1, 1), padding)  # of the output
        self.y = result_array((self.images, *self.size, weight.shape[3]), weight.dtype)
        self._origin = (-top, -left)
        self.zero_windows = False

    def look_for_zero_windows(self) -> None:
        """To be called once, in a job: it takes about as long as one of them."""
        if not is_recording():
            self.zero_windows = may_have_zero_windows(self.xs, self._origin, self.size)

    def finish(self) -> Array:
        """The result, once all tiles are written: under windows of zeros it is the bias exactly, see `zero_windows`."""
        if self.zero_windows:
            _write_zero_windows(self._origin, self.relu, self.y, self.weight, self.bias, *self.xs)
        elif is_recording():
            grids = grids_of_pixels(self.xs, self._origin, self.size)
            sums = [temporary(pixels.shape[:3], pixels.dtype) for pixels in grids]
            for pixels, total in zip(grids, sums, strict=True):
                do(add_channels, pixels, np.ones(pixels.shape[3], pixels.dtype), total)
            do(_write_any_zero_windows, self._origin, self.relu, self.y, self.weight, self.bias, *self.xs, *sums)
        return self.y


def _write_any_zero_windows(
    origin: IntPair, relu: bool, y: Array, weight: Array, bias: Array | None, *xs_sums: Array
) -> None:
    """Write the outputs of the windows that are zero, if there are any by the sums of some pixels of each source."""
    sources = len(xs_sums) // 2
    if not any(sums.all() for sums in xs_sums[sources:]):
        _write_zero_windows(origin, relu, y, weight, bias, *xs_sums[:sources])


def _write_zero_windows(origin: IntPair, relu: bool, y: Array, weight: Array, bias: Array | None, *xs: Array) -> None:
    """Write the outputs of the windows that are zero."""
    with np.errstate(invalid="ignore"):
        values = (0 * weight).sum(axis=(0, 1, 2))  # NaN where a weight is infinite, as in the definition
    if bias is not None:
        values += bias
    if relu:
        np.maximum(values, 0, out=values)
    write_to_zero_windows(xs, origin, y, values)


class WinogradBackward:
    """The arguments of `conv2d_grads`, which gradients it has to compute, and the arrays for those of the input.

    Attributes
    ----------
    size : (int, int)
        Height and width of the input.
    top_left : (int, int)
        Padding above and to the left of the output's gradient: the input's gradient is a convolution of it.
    grad_xs : tuple of array or None
        The gradients of the sources, to be filled. One may be its source itself: of each block, the pixels of the source are read
        before its gradient is written, and no other block reads them.
    source_channels : list of slice
        The channels of each source among all channels.
    channels : slice
        Channels of the input whose gradient is needed: from the first such source to the last.
    """

    def __init__(
        self,
        m: int,
        grad_output: Array,
        xs: Arrays,
        weight: Array,
        output: Array | None,
        padding: Padding,
        needs: Needs,
    ):
        needs_x, self.needs_weight, self.needs_bias = needs
        self.matrices = matrices_for(m, weight.dtype)
        self.grad_output = np.ascontiguousarray(grad_output)
        self.output = None if output is None else np.ascontiguousarray(output)
        self.xs = tuple(np.ascontiguousarray(x) for x in xs)
        self.weight = weight
        self.images = len(xs[0])
        self.size = (xs[0].shape[1], xs[0].shape[2])
        (top, _), (left, _) = padding
        self.top_left = (KERNEL_SIZE - 1 - top, KERNEL_SIZE - 1 - left)
        self.grad_xs = tuple(grad_x_array(x, needed) for x, needed in zip(self.xs, needs_x, strict=True))
        self.source_channels = channel_slices(xs)
        needed_channels = [part for part, needed in zip(self.source_channels, needs_x, strict=True) if needed]
        self.needs_x = bool(needed_channels)
        self.channels = slice(needed_channels[0].start, needed_channels[-1].stop) if self.needs_x else slice(0, 0)

    @property
    def tiles_per_block(self) -> int:
        """Tiles of the input in a block."""
        return block_sizes.tiles_per_block(self.matrices.m, self.images, self.size, max(self.weight.shape[2:]))

    def masked_gradient(self, allocate: Allocate, block: TileBlock) -> tuple[Array, int, int]:
        """The output's gradient under the windows of a block, zero where a fused ReLU was not active.

        Returns
        -------
        gradient : array (images, rows, columns, O)
        top, left : int
            The pixel of it where the first window starts; negative inside the padding.
        """
        m = self.matrices.m
        gradient = self.grad_output[block.images]
        top, left = block.origin(m, self.top_left)
        if self.output is None:
            return gradient, top, left
        rows = slice(max(0, top), max(0, top + m * block.rows + KERNEL_SIZE - 1))
        columns = slice(max(0, left), max(0, left + m * block.columns + KERNEL_SIZE - 1))
        masked = masked_gradient(allocate, gradient[:, rows, columns], self.output[block.images, rows, columns])
        return masked, top - rows.start, left - columns.start

    def add_grad_bias(self, grad_bias: Array, gradient: Array, block: TileBlock, top: int, left: int) -> None:
        """Add the sum of the gradient over the pixels that belong to this block and to no other to `grad_bias`, (O,).

        `gradient`, `top` and `left` are the results of `masked_gradient`. The pixels of a block are those from the
        start of its first window to the start of the next block's first window.
        """
        m = self.matrices.m
        rows = slice(max(0, top), top + m * block.rows)
        columns = slice(max(0, left), left + m * block.columns)
        if m * (block.first_row + block.rows) >= self.size[0]:
            rows = slice(rows.start, None)
        if m * (block.first_column + block.columns) >= self.size[1]:
            columns = slice(columns.start, None)
        add_row_sums(grad_bias, gradient[:, rows, columns])

    def write_grad_xs(self, tiles: Array, channels: slice, block: TileBlock) -> None:
        """Write tiles of the gradient of some of the input's channels to the sources that these belong to."""
        for grad_x, own in zip(self.grad_xs, self.source_channels, strict=True):
            if grad_x is None:
                continue
            first, last = max(own.start, channels.start), min(own.stop, channels.stop)
            if first < last:
                part = tiles[..., first - channels.start : last - channels.start]
                write_tiles(part, grad_x[..., first - own.start : last - own.start], block, self.matrices.m)
