"""A window: which source pixels and which taps of the kernel each output pixel of a convolution meets. Mirrors window.cuh.

One affine rule per axis describes the convolution, its input gradient and the transposed convolution, so one kernel computes all
three. A convolution is one window. Its transpose is one window for each remainder of the output position modulo the stride,
because output pixels with the same remainder meet the same taps.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from minunet.kernels.cuda.dtypes import ceil_div
from minunet.kernels.primitives.windows import IntPair, Padding


class Shaped(Protocol):
    """Anything with a shape: an array, or a buffer in an arena."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""


@dataclass(frozen=True)
class ShapeOnly:
    """A shape where a function expects an array and reads only its shape."""

    shape: tuple[int, ...]


class Axis(ctypes.Structure):
    """One axis of a window; window.cuh explains the fields."""

    _fields_ = [
        (name, ctypes.c_int)
        for name in (
            "count",
            "out_first",
            "out_step",
            "taps",
            "tap_first",
            "tap_step",
            "source_first",
            "source_step",
            "source_tap_step",
            "out_size",
            "source_size",
            "kernel_size",
        )
    ]


class Window(ctypes.Structure):
    """Two axes, the channels of up to two sources and two outputs, and the strides of the weights."""

    _fields_ = [
        ("rows", Axis),
        ("columns", Axis),
        *(
            (name, ctypes.c_int)
            for name in (
                "images",
                "source_channels0",
                "source_channels1",
                "out_channels0",
                "out_channels1",
                "tap_stride",
                "k_stride",
                "n_stride",
            )
        ),
    ]

    @property
    def pixels(self) -> int:
        """Output pixels of the window."""
        return self.images * self.rows.count * self.columns.count

    @property
    def depth(self) -> int:
        """Products in each output: taps times source channels."""
        return self.rows.taps * self.columns.taps * (self.source_channels0 + self.source_channels1)

    @property
    def out_channels(self) -> int:
        """Channels of both outputs."""
        return self.out_channels0 + self.out_channels1


def forward_axis(source_size: int, out_size: int, kernel_size: int, stride: int, before: int) -> Axis:
    """Output u meets source u * stride - before + t at tap t."""
    return Axis(out_size, 0, 1, kernel_size, 0, 1, -before, stride, 1, out_size, source_size, kernel_size)


def transposed_axes(source_size: int, out_size: int, kernel_size: int, stride: int, before: int) -> Iterator[Axis]:
    """The transpose: at tap t, source r is added to output r * stride - before + t.

    The outputs p = remainder + u * stride meet only the taps t with t = p + before modulo the stride, at
    source (p + before - t) / stride.
    """
    for remainder in range(min(stride, out_size)):
        first_tap = (remainder + before) % stride
        yield Axis(
            ceil_div(out_size - remainder, stride),
            remainder,
            stride,
            max(ceil_div(kernel_size - first_tap, stride), 0),
            first_tap,
            stride,
            (remainder + before - first_tap) // stride,
            1,
            -1,
            out_size,
            source_size,
            kernel_size,
        )


def forward_window(
    xs: Sequence[Shaped], weight: Shaped, stride: IntPair, padding: Padding, size: Sequence[int]
) -> Window:
    """A convolution of one or two sources (N, H, W, C) with a weight (kh, kw, C, O); `size` is that of the output.

    The sum runs over the channels of the sources, and the last axis of the weight is that of the output channels.
    """
    kh, kw, channels, outs = weight.shape
    axes = [
        forward_axis(n, out, k, s, before)
        for n, out, k, s, (before, _) in zip(xs[0].shape[1:3], size, (kh, kw), stride, padding, strict=True)
    ]
    widths = [x.shape[3] for x in xs]
    return Window(*axes, xs[0].shape[0], *(*widths, 0)[:2], outs, 0, channels * outs, outs, 1)


def input_gradient_windows(
    grad_output: Shaped, xs: Sequence[Shaped], weight: Shaped, stride: IntPair, padding: Padding
) -> list[Window]:
    """Its transpose: the sum runs over the output channels, and the results are the gradients of the sources."""
    kh, kw, channels, outs = weight.shape
    rows, columns = (
        list(transposed_axes(out, n, k, s, before))
        for n, out, k, s, (before, _) in zip(
            xs[0].shape[1:3], grad_output.shape[1:3], (kh, kw), stride, padding, strict=True
        )
    )
    widths = [x.shape[3] for x in xs]
    return _combine(rows, columns, (xs[0].shape[0], outs, 0, *(*widths, 0)[:2], channels * outs, 1, outs))


def transposed_windows(
    x: Shaped, weight: Shaped, stride: IntPair, padding: IntPair, size: Sequence[int]
) -> list[Window]:
    """A transposed convolution: as the input gradient, but the sum runs over the third axis of the weight."""
    kh, kw, channels, outs = weight.shape
    rows, columns = (
        list(transposed_axes(n, out, k, s, p))
        for n, out, k, s, p in zip(x.shape[1:3], size, (kh, kw), stride, padding, strict=True)
    )
    return _combine(rows, columns, (x.shape[0], channels, 0, outs, 0, channels * outs, outs, 1))


def transposed_gradient_window(
    grad_output: Shaped, x: Shaped, weight: Shaped, stride: IntPair, padding: IntPair
) -> Window:
    """The input gradient of a transposed convolution: a convolution of the gradient of its output."""
    kh, kw, channels, outs = weight.shape
    axes = [
        forward_axis(n, out, k, s, p)
        for n, out, k, s, p in zip(grad_output.shape[1:3], x.shape[1:3], (kh, kw), stride, padding, strict=True)
    ]
    return Window(*axes, x.shape[0], outs, 0, channels, 0, channels * outs, 1, outs)


def _combine(rows: Sequence[Axis], columns: Sequence[Axis], rest: tuple[int, ...]) -> list[Window]:
    return [Window(row, column, *rest) for row in rows for column in columns]
