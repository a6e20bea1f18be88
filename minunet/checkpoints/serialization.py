"""The bytes of a safetensors file, tensor by tensor: the library holds two copies of all tensors when it writes, and when it reads.

The file is the same, byte for byte.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from io import BufferedReader

import numpy as np

from minunet.checkpoints.tensor_table import TensorEntry

# The library stores tensors of larger and later types first, then by name.
_TYPES = {"int64": ("I64", 0), "float64": ("F64", 1), "float32": ("F32", 2), "float16": ("F16", 3)}
_ALIGNMENT = 8  # bytes, of the first tensor
GROUP = 1 << 24  # bytes of tensors that are read together, if there are several
MOST_PARTS = 512  # of one call; systems allow 1024


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
        Read up to the first tensor. It may be closed afterwards.
    table : mapping of str to TensorEntry
        In the order of the file, as `minunet.checkpoints.tensor_table.read_table` returns it.

    Raises
    ------
    TypeError
        For numbers that NumPy does not have, such as floats of 8 bits.
    """

    def __init__(self, file: BufferedReader, table: Mapping[str, TensorEntry]):
        self._arrays = {
            name: np.empty(entry.shape, np.dtype(entry.dtype).newbyteorder("<")) for name, entry in table.items()
        }
        self._groups: list[tuple[list[str], threading.Event]] = []
        self._is_read: dict[str, threading.Event] = {}
        size = 0
        for name, array in self._arrays.items():
            if not self._groups or size + array.nbytes > GROUP:
                self._groups.append(([], threading.Event()))
                size = 0
            names, self._is_read[name] = self._groups[-1]
            names.append(name)
            size += array.nbytes
        self._position = file.tell()
        self._file = open(os.dup(file.fileno()), "rb", buffering=0)  # noqa: SIM115  `read` closes it

    def __getitem__(self, name: str) -> np.ndarray:
        self._is_read[name].wait()
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def read(self) -> dict[str, np.ndarray]:
        """Read all of them; to be called once.

        Raises
        ------
        EOFError
            If the file ends before the last tensor does.
        """
        try:
            with self._file:
                self._file.seek(self._position)
                for names, is_read in self._groups:
                    self._read_group(names)
                    is_read.set()
        finally:
            for _, is_read in self._groups:  # after an error nobody waits forever
                is_read.set()
        return self._arrays

    def _read_group(self, names: list[str]) -> None:
        """Read consecutive tensors, in one call where the system has it: each costs a thread a turn of the interpreter lock."""
        missing = [(name, self._arrays[name].reshape(-1).view(np.uint8).data) for name in names]
        while missing := [(name, memory) for name, memory in missing if memory.nbytes]:
            parts = [memory for _, memory in missing[:MOST_PARTS]]
            count = os.readv(self._file.fileno(), parts) if hasattr(os, "readv") else self._file.readinto(parts[0])
            if not count:
                raise EOFError(f"the tensor '{missing[0][0]}' ends early")
            for place, memory in enumerate(parts):
                read = min(count, memory.nbytes)
                missing[place] = (missing[place][0], memory[read:])
                count -= read
