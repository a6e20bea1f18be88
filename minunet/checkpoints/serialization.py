"""The bytes of a safetensors file, tensor by tensor: the library holds two copies of all tensors when it writes, and when it reads.

The file is the same, byte for byte.
"""

from __future__ import annotations

import json
import threading
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


class TensorsOfFile(Mapping[str, np.ndarray]):
    """The tensors of a file, each in memory of its own. `read` reads them all; another thread gets each as soon as it is there.

    Parameters
    ----------
    file : binary file
        Read up to the first tensor.
    table : mapping of str to TensorEntry
        In the order of the file, as `minunet.checkpoints.tensor_table.read_table` returns it.

    Raises
    ------
    TypeError
        For numbers that NumPy does not have, such as floats of 8 bits.
    """

    def __init__(self, file: BufferedReader, table: Mapping[str, TensorEntry]):
        self._file = file
        self._arrays = {
            name: np.empty(entry.shape, np.dtype(entry.dtype).newbyteorder("<")) for name, entry in table.items()
        }
        self._is_read = {name: threading.Event() for name in table}

    def __getitem__(self, name: str) -> np.ndarray:
        self._is_read[name].wait()
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def read(self) -> dict[str, np.ndarray]:
        """Read all of them.

        Raises
        ------
        EOFError
            If the file ends before the last tensor does.
        """
        try:
            for name, array in self._arrays.items():
                numbers = array.reshape(-1).view(np.uint8)  # its bytes
                if self._file.readinto(numbers.data) != numbers.size:
                    raise EOFError(f"the tensor '{name}' ends early")
                self._is_read[name].set()
        finally:
            for event in self._is_read.values():  # after an error nobody waits forever
                event.set()
        return self._arrays
