"""Launches copies that change the dtype or the number of channels of an array.

Tensor cores need channels that fill whole chunks of 16 bytes. The kernels are in pad_channels.cu.
"""

from __future__ import annotations

import ctypes
import math
from typing import Any

from minunet.kernels.cuda.devices import launcher_for
from minunet.kernels.cuda.dtypes import DType, DTypeLike, as_dtype, ceil_div, cpp_type
from minunet.kernels.cuda.launcher import run
from minunet.kernels.cuda.program import Program

THREADS, SIDE = 256, 32  # as in pad_channels.cu
CHUNK_BYTES = 16

PAD_CHANNELS = Program(
    "pad_channels.cu",
    (
        *(
            f"copy_padded<{a}, {b}>"
            for a, b in (("float", "bfloat16"), ("bfloat16", "bfloat16"), ("bfloat16", "float"), ("float", "float"))
        ),
        "round_and_transpose",
    ),
    registers=40,
)


def padded_channels(channels: int, dtype: DTypeLike) -> int:
    """The smallest number of channels, at least `channels`, that fills whole chunks of 16 bytes."""
    vector = CHUNK_BYTES // as_dtype(dtype).itemsize
    return ceil_div(channels, vector) * vector


def resize_channels(array: Any, channels: tuple[int, ...], dtype: DType | None = None) -> Any:
    """The array in `dtype`, with its last one or two axes cropped, or padded with zeros, to the lengths `channels`.

    If nothing changes, the array itself is returned.
    """
    dtype = array.dtype if dtype is None else as_dtype(dtype)
    outer = array.shape[: array.ndim - len(channels)]
    if array.shape[len(outer) :] == tuple(channels) and array.dtype == dtype:
        return array
    out = launcher_for(array).empty((*outer, *channels), dtype)
    copy_padded(array, out, len(channels))
    return out


def copy_padded(array: Any, out: Any, axes: int, *, round_to_tf32: bool = False) -> None:
    """Fill `out` from `array`; crop the last `axes` (one or two) axes, or pad them with zeros.

    Parameters
    ----------
    round_to_tf32 : bool
        Round float32 results to tf32.

    Raises
    ------
    ValueError
        If the other axes do not have the same number of elements.
    """
    before, after = ((1, *a.shape[-axes:])[-2:] for a in (array, out))
    if math.prod(array.shape[:-axes]) != math.prod(out.shape[:-axes]):
        raise ValueError(f"{array.shape} cannot be padded or cropped to {out.shape} along the last {axes} axes")
    run(
        launcher_for(out),
        PAD_CHANNELS,
        f"copy_padded<{cpp_type(array)}, {cpp_type(out)}>",
        grid=(ceil_div(out.size, THREADS),),
        block=THREADS,
        arguments=[
            array,
            out,
            *map(ctypes.c_int, (*before, *after)),
            ctypes.c_longlong(out.size),
            ctypes.c_int(round_to_tf32),
        ],
    )


def round_and_transpose(array: Any, out: Any, transposed: Any) -> None:
    """Fill `out` with a float32 array rounded to tf32, and `transposed` with the same, its last two axes exchanged."""
    rows, columns = array.shape[-2:]
    run(
        launcher_for(out),
        PAD_CHANNELS,
        "round_and_transpose",
        grid=(ceil_div(columns, SIDE), ceil_div(rows, SIDE), math.prod(array.shape[:-2])),
        block=THREADS,
        shared_bytes=SIDE * (SIDE + 1) * 4,
        arguments=[array, out, transposed, ctypes.c_int(rows), ctypes.c_int(columns)],
    )
