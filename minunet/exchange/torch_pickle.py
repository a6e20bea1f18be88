"""PyTorch's pickle files, .pth and .pt, read without PyTorch and without running anything that is in them.

A pickle is a program, which may call any function of Python that it names. Here it may name those that make up tensors, and a few
that make up plain values; all of them are replaced by functions of this module, and a file that names others is refused.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from minunet.errors import UserError
from minunet.files.reading import open_regular
from minunet.functional.validation import is_whole_number
from minunet.wording import shorten

LARGEST_PICKLE = 100_000_000  # bytes, without the numbers of the tensors
MAGIC = 0x1950A86A20F9469CFC6C  # of the format that torch.save wrote before version 1.6
LEGACY_START = b"\x80\x02\x8a\x0a" + MAGIC.to_bytes(10, "little")
REMEDY_STATE = "in PyTorch, save the weights alone: torch.save(model.state_dict(), FILE)"
STORAGES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
# Values that checkpoints have beside their tensors: scores of NumPy, settings, sizes and types.
LEFT_OUT = (
    *((f"{core}.multiarray", "scalar") for core in ("numpy.core", "numpy._core")),
    ("numpy", "dtype"),
    ("_codecs", "encode"),  # the bytes of a number of NumPy
    ("argparse", "Namespace"),
    *(("torch", name) for name in ("Size", "device", "float64", "float32", "float16", "bfloat16", "int64", "int32")),
)


@dataclass(eq=False)
class Storage:
    """A row of numbers in the file; `read` gives its bytes."""

    dtype: str
    count: int
    read: Callable[[], bytes] | None = None

    def numbers(self) -> np.ndarray:
        """The numbers; of bfloat16 as float32."""
        data = b"" if self.read is None else self.read()
        kind = np.dtype("<u2" if self.dtype == "bfloat16" else self.dtype)
        if len(data) < self.count * kind.itemsize:
            raise ValueError("the numbers of a tensor are cut off")
        return decode_numbers(data[: self.count * kind.itemsize], self.dtype)


@dataclass(eq=False)
class StoredTensor:
    """A tensor of the file, whose numbers are read when they are asked for."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> np.ndarray:
        """The tensor as an array, C contiguous."""
        numbers, values = self.storage.numbers(), (self.offset, *self.shape, *self.strides)
        if len(self.shape) != len(self.strides) or not all(is_whole_number(v) and 0 <= v < 1 << 62 for v in values):
            raise ValueError("a tensor without a shape")
        count = int(np.prod([int(length) for length in self.shape], dtype=object))
        last = self.offset + sum((length - 1) * step for length, step in zip(self.shape, self.strides, strict=True))
        if count and (count > len(numbers) or last >= len(numbers)):
            raise ValueError("a tensor that is larger than its numbers")
        if not count:
            return np.zeros(self.shape, numbers.dtype)
        steps = [step * numbers.itemsize for step in self.strides]
        return np.ascontiguousarray(np.lib.stride_tricks.as_strided(numbers[self.offset :], self.shape, steps))


def decode_numbers(data: bytes, dtype: str) -> np.ndarray:
    """Bytes as numbers of a type of NumPy; of "bfloat16", whose bytes are the upper half of a float32, as float32."""
    if dtype == "bfloat16":
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    return np.frombuffer(data, dtype)


def read_torch_pickle(path: Path) -> Any:
    """What `torch.save` wrote into a file: dictionaries, lists, numbers, texts, and a `StoredTensor` for each tensor.

    Parameters
    ----------
    path : Path
        The zip file that PyTorch writes since version 1.6, or the older format.

    Raises
    ------
    UserError
        If it is neither, is damaged, or holds more than tensors and plain values.
    """
    try:
        with open_regular(path) as file:
            start = file.read(len(LEGACY_START))
            file.seek(0)
            if start == LEGACY_START:
                return _read_legacy(path, file)
            if start.startswith(b"PK"):
                return _read_zip(path, file)
    except (UserError, MemoryError):
        raise
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file; check the path.") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error}).") from error
    except Exception as error:  # a damaged pickle or zip file raises almost anything
        raise UserError(f"{path}: this file is damaged ({shorten(error)}); copy it again.") from error
    raise UserError(f"{path}: this is no file of torch.save, and no safetensors file either; give one of the two.")


def _read_zip(path: Path, file: BinaryIO) -> Any:
    archive = zipfile.ZipFile(file)
    names = {info.filename: info for info in archive.infolist()}
    inside = [name for name in names if name.rpartition("/")[2] == "data.pkl"]
    if len(inside) != 1:
        raise UserError(f"{path}: this zip file is none of torch.save; give the file with the weights.")
    folder = inside[0].removesuffix("data.pkl")

    def read(name: str) -> bytes:
        """An entry, which torch.save does not compress; what is packed might be endless."""
        info = names[folder + name]
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise ValueError(f"its entry {name} is compressed")
        with open_regular(path) as again, zipfile.ZipFile(again) as reopened:
            return reopened.read(folder + name)

    if f"{folder}byteorder" in names and read("byteorder") != b"little":
        raise UserError(f"{path}: its numbers are big-endian, which is not read here; save it on another machine.")
    if names[inside[0]].file_size > LARGEST_PICKLE:
        raise ValueError("its pickle is too large")

    def storage(key: str, dtype: str, count: int) -> Storage:
        return Storage(dtype, count, lambda: read(f"data/{key}"))

    return _unpickled(path, io.BytesIO(read("data.pkl")), storage)


def _read_legacy(path: Path, file: BinaryIO) -> Any:
    """Pickles of a magic number, a version, the machine, the object and the keys of its storages; then their numbers."""
    storages: dict[str, Storage] = {}

    def storage(key: str, dtype: str, count: int) -> Storage:
        return storages.setdefault(key, Storage(dtype, count))

    for _ in range(3):
        _unpickled(path, file, storage)
    loaded = _unpickled(path, file, storage)
    for key in _unpickled(path, file, storage):
        kept = storages[key]
        size = 2 if kept.dtype == "bfloat16" else np.dtype(kept.dtype).itemsize
        count = int.from_bytes(file.read(8), "little")
        if count != kept.count:
            raise ValueError("a storage of another size")
        data = file.read(count * size)
        kept.read = lambda data=data: data
    return loaded


def _unpickled(path: Path, file: BinaryIO, storage: Callable[[str, str, int], Storage]) -> Any:
    """One pickle; its numbers come from `storage(key, dtype, count)`."""
    begin = file.tell()
    for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        if "PUT" in opcode.name and int(argument or 0) > count:  # would be a large table of nothing
            raise ValueError("its pickle has a memo without content")
    end = file.tell()
    file.seek(begin)
    loaded = _TensorUnpickler(path, io.BytesIO(file.read(end - begin)), storage).load()
    file.seek(end)
    return loaded


class _TensorUnpickler(pickle.Unpickler):
    """An unpickler that makes nothing but plain values and `StoredTensor`s."""

    def __init__(self, path: Path, file: BinaryIO, storage: Callable[[str, str, int], Storage]):
        super().__init__(file)
        self._path, self._storage = path, storage

    def find_class(self, module: str, name: str) -> Any:
        """Refuse every name but those of `_NAMES`."""
        if (module, name) not in _NAMES:
            raise UserError(
                f"{self._path}: this file names {shorten(f'{module}.{name}', 80)}, and is not read: a pickle runs what it names, "
                f"and only tensors and plain values are taken from it; {REMEDY_STATE}."
            )
        made = _NAMES[module, name]
        return made() if callable(made) else made

    def persistent_load(self, pid: Any) -> Storage:
        """The numbers of a tensor, by what the pickle says of them."""
        if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage" or not isinstance(pid[1], str):
            raise ValueError("something that is no tensor")
        _, dtype, key, _, count, *view = pid
        if dtype not in STORAGES.values() or not isinstance(key, str) or not is_whole_number(count) or count < 0:
            raise ValueError("a storage without a size")
        if any(part is not None for part in view):
            raise ValueError("a view of a storage, as PyTorch wrote it before version 0.4")
        return self._storage(key, dtype, int(count))


# Functions and classes are made anew for each file: a pickle can set attributes of what it is given.
def _ordered_dict() -> type[dict]:
    class Entries(dict):
        """In place of OrderedDict."""

    return Entries


def _tensor_maker() -> Callable[..., StoredTensor]:
    def make(storage: Storage, offset: int, shape: Any, strides: Any, *others: object) -> StoredTensor:
        if not isinstance(storage, Storage):
            raise ValueError("a tensor without numbers")
        return StoredTensor(storage, offset, tuple(shape), tuple(strides))

    return make


def _parameter_maker() -> Callable[..., Any]:
    def make(data: Any, *others: object) -> Any:
        return data

    return make


def _left_out() -> type:
    class LeftOut:
        """In place of a value that is not needed here, such as a score as a number of NumPy."""

        def __new__(cls, *arguments: object) -> LeftOut:
            return super().__new__(cls)

        def __init__(self, *arguments: object):
            pass

        def __setstate__(self, state: object) -> None:
            pass

    return LeftOut


_NAMES: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): _ordered_dict,
    ("torch._utils", "_rebuild_tensor"): _tensor_maker,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor_maker,
    ("torch._utils", "_rebuild_parameter"): _parameter_maker,
    ("torch._utils", "_rebuild_parameter_with_state"): _parameter_maker,
    **{("torch", name): dtype for name, dtype in STORAGES.items()},
    **dict.fromkeys(LEFT_OUT, _left_out),
}
