"""Launches copies that change an array's type or fit its channels to whole 16-byte chunks."""

from __future__ import annotations

import ctypes
import math
from typing import Any

from minunet.kernels.cuda.dtypes import as_dtype, ceil_div, cpp_type
from minunet.kernels.cuda.launcher import launcher_for, run
from minunet.kernels.cuda.program import Program

THREADS, SIDE = 256, 32
CHUNK_BYTES = 16

FIT = Program(
    "fit.cu",
    (
        *(
            f"fit<{a}, {b}>"
            for a, b in (("float", "bfloat16"), ("bfloat16", "bfloat16"), ("bfloat16", "float"), ("float", "float"))
        ),
        "round_and_turn",
    ),
    registers=40,
)


def whole_chunks(channels: int, dtype: Any) -> int:
    """The next number of channels that fills 16-byte chunks."""
    vector = CHUNK_BYTES // as_dtype(dtype).itemsize
    return ceil_div(channels, vector) * vector


def fit(array: Any, channels: tuple[int, ...], dtype: Any = None) -> Any:
    """The array with its last one or two axes cut, or continued with zeros, to `channels`, in `dtype`.

    Returned as it is where nothing changes.
    """
    dtype = array.dtype if dtype is None else as_dtype(dtype)
    outer = array.shape[: array.ndim - len(channels)]
    if array.shape[len(outer) :] == tuple(channels) and array.dtype == dtype:
        return array
    launcher = launcher_for(array)
    out = launcher.empty((*outer, *channels), dtype)
    fit_into(array, out, len(channels))
    return out


def fit_into(array: Any, out: Any, axes: int, *, rounded: bool = False) -> None:
    """Fill `out`, which differs from `array` in type and in the lengths of its last one or two axes; floats `rounded` to tf32."""
    before, after = ((1, *a.shape[-axes:])[-2:] for a in (array, out))
    if math.prod(array.shape[:-axes]) != math.prod(out.shape[:-axes]):
        raise ValueError(f"{array.shape} does not fit into {out.shape}")
    run(
        launcher_for(out),
        FIT,
        f"fit<{cpp_type(array)}, {cpp_type(out)}>",
        grid=(ceil_div(out.size, THREADS),),
        block=THREADS,
        arguments=[
            array,
            out,
            *map(ctypes.c_int, (*before, *after)),
            ctypes.c_longlong(out.size),
            ctypes.c_int(rounded),
        ],
    )


def round_and_turn(array: Any, out: Any, turned: Any) -> None:
    """Fill `out` with a float32 array rounded to tf32, and `turned` with the same, its last two axes exchanged."""
    rows, columns = array.shape[-2:]
    run(
        launcher_for(out),
        FIT,
        "round_and_turn",
        grid=(ceil_div(columns, SIDE), ceil_div(rows, SIDE), math.prod(array.shape[:-2])),
        block=THREADS,
        shared_bytes=SIDE * (SIDE + 1) * 4,
        arguments=[array, out, turned, ctypes.c_int(rows), ctypes.c_int(columns)],
    )
