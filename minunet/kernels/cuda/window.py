"""The numbers of a window: which source pixel each output pixel meets at each tap, one affine rule per axis.

Mirrors window.cuh. A convolution takes one window; its transpose takes one for each remainder of the output position modulo the
stride, since output pixels of one remainder meet the same taps.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

from minunet.kernels.cuda.dtypes import ceil_div


class Axis(ctypes.Structure):
    """One axis of a window; the fields are explained in window.cuh."""

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
    """Two axes, the channels of up to two sources and two outputs, and how the weights lie."""

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
        """Output pixels that the window visits."""
        return self.images * self.rows.count * self.columns.count

    @property
    def depth(self) -> int:
        """Products in each output: taps times source channels."""
        return self.rows.taps * self.columns.taps * (self.source_channels0 + self.source_channels1)


def forward_axis(source_size: int, out_size: int, kernel_size: int, stride: int, before: int) -> Axis:
    """Output u meets source u * stride - before + t at tap t."""
    return Axis(out_size, 0, 1, kernel_size, 0, 1, -before, stride, 1, out_size, source_size, kernel_size)


def transposed_axes(source_size: int, out_size: int, kernel_size: int, stride: int, before: int) -> Iterator[Axis]:
    """The transpose: source r is stamped on output r * stride - before + t at tap t.

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
