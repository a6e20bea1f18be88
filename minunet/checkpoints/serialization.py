"""The bytes of a safetensors file, tensor by tensor: the library holds two copies of all tensors when it writes, and when it reads.

The file is the same, byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from io import BufferedReader

import numpy as np

from minunet.checkpoints.tensor_table import TensorEntry

# The library stores tensors of larger and later types first, then by name.
_TYPES = {"int64": ("I64", 0), "float64": ("F64", 1), "float32": ("F32", 2), "float16": ("F16", 3)}
_ALIGNMENT = 8  # bytes, of the first tensor


def serialized(tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> Iterator[bytes | memoryview]:
    """The parts of a safetensors file: its header, then each tensor.

    Parameters
    ----------
    tensors : mapping of str to ndarray
        C contiguous.
    metadata : mapping of str to str
        With a single entry, since the library has no order of its own for several.
    """
    if any(array.dtype.name not in _TYPES or not array.dtype.isnative for array in tensors.values()):
        import safetensors.numpy

        yield safetensors.numpy.save(dict(tensors), metadata=dict(metadata))
        return
    names = sorted(tensors, key=lambda name: (_TYPES[tensors[name].dtype.name][1], name.encode()))
    table: dict[str, object] = {"__metadata__": dict(metadata)}
    end = 0
    for name in names:
        array = tensors[name]
        start, end = end, end + array.nbytes
        table[name] = {
            "dtype": _TYPES[array.dtype.name][0],
            "shape": list(array.shape),
            "data_offsets": [start, end],
        }
    header = json.dumps(table, ensure_ascii=False, separators=(",", ":")).encode()
    header += b" " * (-len(header) % _ALIGNMENT)
    yield len(header).to_bytes(8, "little") + header
    for name in names:
        yield tensors[name].reshape(-1).view(np.uint8).data


def read_tensors(file: BufferedReader, table: Mapping[str, TensorEntry]) -> dict[str, np.ndarray]:
    """The tensors of a file that is read up to the first of them, each in memory of its own.

    Parameters
    ----------
    file : binary file
    table : mapping of str to TensorEntry
        In the order of the file, as `minunet.checkpoints.tensor_table.read_table` returns it.

    Raises
    ------
    EOFError
        If the file ends before the last tensor does.
    TypeError
        For numbers that NumPy does not have, such as floats of 8 bits.
    """
    tensors = {}
    for name, entry in table.items():
        tensors[name] = np.empty(entry.shape, np.dtype(entry.dtype).newbyteorder("<"))
        numbers = tensors[name].reshape(-1).view(np.uint8)  # its bytes
        if file.readinto(numbers.data) != numbers.size:
            raise EOFError(f"the tensor '{name}' ends early")
    return tensors
