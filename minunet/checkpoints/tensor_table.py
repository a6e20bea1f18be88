"""The table of tensors in the header of a safetensors file: the type, shape and position in the file of each.

It is checked before any tensor is read, so that a small file cannot cause a large allocation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from minunet.functional.validation import is_whole_number

METADATA = "__metadata__"
# The names of the types in the header, with those of NumPy and their bytes (https://github.com/huggingface/safetensors).
DTYPES = {
    "BOOL": ("bool", 1),
    "U8": ("uint8", 1),
    "I8": ("int8", 1),
    "F8_E5M2": ("float8", 1),
    "F8_E4M3": ("float8", 1),
    "U16": ("uint16", 2),
    "I16": ("int16", 2),
    "F16": ("float16", 2),
    "BF16": ("bfloat16", 2),
    "U32": ("uint32", 4),
    "I32": ("int32", 4),
    "F32": ("float32", 4),
    "U64": ("uint64", 8),
    "I64": ("int64", 8),
    "F64": ("float64", 8),
    "C64": ("complex64", 8),
}
FLOATS = ("float16", "float32", "float64")
MOST_AXES = 8
LONGEST_TENSOR_NAME = 200  # letters


class TensorEntry(NamedTuple):
    """One tensor as the header describes it; `dtype` is NumPy's name."""

    dtype: str
    shape: tuple[int, ...]


def read_table(header: Mapping[str, Any], data_length: int) -> dict[str, TensorEntry]:
    """The tensors of a header, in the order of their data, each with as many bytes as its shape needs; they fill all of the data.

    Raises
    ------
    ValueError
        If an entry is not a tensor, or the tensors leave gaps or overlap.
    """
    found = []
    for name, entry in header.items():
        if name == METADATA:
            continue
        if len(name) > LONGEST_TENSOR_NAME:
            raise ValueError("a tensor with a very long name")
        dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        numbers = [*shape, begin, end]
        if (
            not isinstance(shape, list)
            or len(shape) > MOST_AXES
            or not all(map(is_whole_number, numbers))
            or min(numbers) < 0
        ):
            raise ValueError("a tensor without a shape or without a place")
        numpy_name, size = DTYPES[dtype]
        if math.prod(shape) * size != end - begin:
            raise ValueError("a tensor whose place does not have its size")
        found.append((begin, end, name, TensorEntry(numpy_name, tuple(shape))))
    found.sort(key=lambda place: place[:2])
    position = 0
    for begin, end, *_ in found:
        if begin != position:
            raise ValueError("tensors that leave gaps or overlap")
        position = end
    if position != data_length:
        raise ValueError("more data than tensors")
    return {name: entry for _, _, name, entry in found}
