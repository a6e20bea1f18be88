"""The file format of model files and training states: named arrays as safetensors, and a JSON document in the header.

It can be read without this package: the document is `json.loads(safe_open(path, "np").metadata()["minunet"])`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

import numpy as np

from minunet.checkpoints.background_call import BackgroundCall
from minunet.checkpoints.checksum import CHECKSUM, checksum, mismatch
from minunet.checkpoints.serialization import TensorsOfFile, serialized
from minunet.checkpoints.tensor_table import METADATA, TensorEntry, read_table
from minunet.errors import UserError
from minunet.files.names import unusable_name
from minunet.files.reading import open_regular
from minunet.functional.validation import is_whole_number
from minunet.wording import shorten

if TYPE_CHECKING:
    from pathlib import Path

VERSION = 1
KEY = "minunet"  # the only entry: safetensors writes several in an order that changes from run to run
LENGTH = 8  # bytes at the start of a safetensors file: the length of its header, little-endian
LARGEST_HEADER = 32_000_000  # bytes; the history of 100,000 epochs takes less, and the format itself allows 100 MB
MOST_NESTED = 32  # objects and lists within each other, in the document

Check: TypeAlias = "Callable[[str | Path, Mapping[str, TensorEntry], dict[str, Any]], object]"


def write(path: str | Path, tensors: Mapping[str, np.ndarray], document: Mapping[str, Any]) -> Path:
    """Write arrays and their document to `path`, completely or not at all.

    Parameters
    ----------
    path : str or Path
        The file; its name usually ends in `.safetensors`.
    tensors : mapping of str to ndarray
        The arrays.
    document : mapping
        Values for JSON; `document["format"]` is the kind of file. The version of the format is added.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    from minunet.files.atomic_write import utf8, write_parts  # reading does not need it

    document = {"format": document["format"], "format_version": VERSION, **document}
    # safetensors copies memory without regard to strides, so arrays must be C contiguous. asarray leaves 0-d arrays 0-d.
    arrays = {name: np.asarray(value, order="C") for name, value in tensors.items()}
    # As it will be read: of the surrogates that stand for bytes of names, for example, utf8 writes the escapes of JSON.
    as_read = json.loads(utf8(json.dumps(document, ensure_ascii=False)))
    document[CHECKSUM] = checksum(arrays, as_read)
    header = utf8(json.dumps(document, ensure_ascii=False)).decode("utf-8")
    return write_parts(path, serialized(arrays, {KEY: header}))


class StoredFile:
    """The tensors and the document of a file that two other threads still read, and compare with its checksum.

    Attributes
    ----------
    document : dict
        The JSON document of the header.
    """

    def __init__(self, path: str | Path, tensors: TensorsOfFile, document: dict[str, Any]):
        self.document = document
        self._path = path
        self._reading = BackgroundCall(tensors.read)
        self._comparison = BackgroundCall(mismatch, tensors, document)

    def tensors(self) -> dict[str, np.ndarray]:
        """The arrays, once they are known to be as they were written.

        Raises
        ------
        UserError
            If they are not, or the document is not; if the file cannot be read any more.
        """
        with _errors_of_reading(self._path):
            tensors: dict[str, np.ndarray] = self._reading.result()
        if damaged_part := self._comparison.result():
            raise UserError(
                f"{self._path}: this file is damaged, its {damaged_part} is not as it was written (by its checksum); copy it "
                f"again. If it was changed on purpose, remove '{CHECKSUM}' from its header."
            )
        return tensors


def read(
    path: str | Path, formats: Mapping[str, str], check: Check | None = None
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read a file that `write` wrote: its tensors and its document. The parameters and the errors are those of `read_unchecked`."""
    stored = read_unchecked(path, formats, check)
    return stored.tensors(), stored.document


def read_unchecked(path: str | Path, formats: Mapping[str, str], check: Check | None = None) -> StoredFile:
    """Open a file that `write` wrote, and let other threads read its tensors and compute its checksum.

    Parameters
    ----------
    path : str or Path
        The file.
    formats : mapping of str to str
        The kinds that are accepted (`document["format"]`), each with its description for error messages.
    check : callable, optional
        Called as `check(path, table, document)` before the tensors are read, to refuse what does not fit.

    Raises
    ------
    UserError
        If the file is missing, cut off, damaged, of another kind, or newer than this program. Messages quote at most 200
        letters of the file.
    """
    with _errors_of_reading(path), open_regular(path) as file:
        header, data_length = _header(path, file)
        table = _table(path, header, data_length)
        document = _document(path, header, formats)
        if check is not None:
            check(path, table, document)
        return StoredFile(path, _tensors(path, file, table), document)


@contextmanager
def _errors_of_reading(path: str | Path) -> Iterator[None]:
    """Within the block, what prevents that a file is read becomes a `UserError`."""
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file; check the path.") from None
    except OSError as error:
        reason = unusable_name(path) or error.strerror or error
        raise UserError(f"{shorten(path, 1000)}: cannot be read ({reason}); check that you may read it.") from error
    except EOFError as error:
        raise _damaged_tensors(path, error) from error


def _header(path: str | Path, file: BinaryIO) -> tuple[dict[str, Any], int]:
    """The safetensors header at the start of the file, and the number of bytes that follow.

    For a bad file, the error says whether it is another format, cut off or damaged.
    """
    other_format = UserError(
        f"{path}: this is not a safetensors file; give the model.safetensors that training wrote, or its run folder."
    )
    size = os.fstat(file.fileno()).st_size
    start = file.read(LENGTH + 1)
    if not start:
        raise UserError(f"{path}: this file is empty; copy it again, or train again.")
    if len(start) > LENGTH and start[LENGTH:] != b"{":
        raise other_format
    length = int.from_bytes(start[:LENGTH], "little")
    if len(start) > LENGTH and length > LARGEST_HEADER:
        raise other_format
    if size < LENGTH + length or len(start) <= LENGTH:
        raise _cut_off(path, size, None)
    text = start[LENGTH:] + file.read(length - 1)
    try:
        header = json.loads(text.decode("utf-8"))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != METADATA]
        expected = LENGTH + length + max(ends, default=0)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        raise _damaged(path) from None
    if size < expected:
        raise _cut_off(path, size, expected)
    return header, size - LENGTH - length


def _table(path: str | Path, header: dict[str, Any], data_length: int) -> dict[str, TensorEntry]:
    try:
        return read_table(header, data_length)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        raise _damaged(path) from None


def _tensors(path: str | Path, file: BufferedReader, table: Mapping[str, TensorEntry]) -> TensorsOfFile:
    try:
        return TensorsOfFile(file, table)
    except TypeError as error:
        raise _damaged_tensors(path, error) from error


def _damaged_tensors(path: str | Path, error: Exception) -> UserError:
    return UserError(f"{path}: this safetensors file is damaged ({shorten(error)}); copy it again, or write it again.")


def _damaged(path: str | Path) -> UserError:
    return UserError(f"{path}: the header of this file is damaged; copy it again, or train again.")


def _cut_off(path: str | Path, size: int, expected: int | None) -> UserError:
    share = f"it ends after {size:,} bytes"
    if expected is not None and is_whole_number(expected) and expected < 1 << 63:
        share = f"{size:,} of {expected:,} bytes are there"
    return UserError(f"{path}: this model file is cut off ({share}); copy it again, or train again.")


def _document(path: str | Path, header: dict[str, Any], formats: Mapping[str, str]) -> dict[str, Any]:
    expected = " or ".join(formats.values())
    metadata = header.get(METADATA) or {}
    if not isinstance(metadata, dict) or KEY not in metadata:
        raise UserError(
            f"{path}: this safetensors file was not written by minunet (its header has no entry '{KEY}', so neither "
            f"the architecture nor the preprocessing is known); give {expected}."
        )
    try:
        document = json.loads(metadata[KEY])
        kind, version = document["format"], document["format_version"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise _damaged(path) from None
    if not isinstance(document, dict) or not isinstance(kind, str) or not is_whole_number(version) or version < 1:
        raise _damaged(path)
    if not _shallow(document):
        raise _damaged(path)
    if version > VERSION:
        versions = document.get("versions")
        writer = versions.get("minunet", "a newer one") if isinstance(versions, dict) else "a newer one"
        raise UserError(
            f"{path}: this file has format version {shorten(version, 20)}, written by minunet {shorten(writer, 40)}, and this "
            f"minunet reads up to version {VERSION}; upgrade with: pip install --upgrade minunet"
        )
    if kind not in formats:
        raise UserError(f"{path}: this file holds '{shorten(kind, 80)}', not what is needed here; give {expected}.")
    return document


def _shallow(document: Any) -> bool:
    """Whether objects and lists are nested less deeply than functions may call each other."""
    level = [document]
    for _ in range(MOST_NESTED):
        level = [
            item
            for value in level
            for item in (value.values() if isinstance(value, dict) else value)
            if isinstance(item, (dict, list))
        ]
        if not level:
            return True
    return False
