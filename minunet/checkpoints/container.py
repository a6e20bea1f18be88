"""The file format of model files and training states: named arrays as safetensors, and a JSON document in the header.

It can be read without this package: the document is `json.loads(safe_open(path, "np").metadata()["minunet"])`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from minunet.errors import UserError
from minunet.files.atomic import utf8, write_bytes

VERSION = 1
KEY = "minunet"  # the only entry: safetensors writes several in an order that changes from run to run
LENGTH = 8  # bytes at the start of a safetensors file: the length of its header, little-endian
LARGEST_HEADER = 100_000_000  # bytes; the format's own limit


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
        If safetensors is not installed or the file cannot be written.
    """
    library = _safetensors(path)
    document = {"format": document["format"], "format_version": VERSION, **document}
    # safetensors copies memory without regard to strides, so arrays must be C contiguous. asarray leaves 0-d arrays 0-d.
    arrays = {name: np.asarray(value, order="C") for name, value in tensors.items()}
    header = utf8(json.dumps(document, ensure_ascii=False)).decode("utf-8")
    return write_bytes(path, library.save(arrays, metadata={KEY: header}))


def read(path: str | Path, formats: Mapping[str, str]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read a file that `write` wrote.

    Parameters
    ----------
    path : str or Path
        The file.
    formats : mapping of str to str
        The kinds that are accepted (`document["format"]`), each with its description for error messages.

    Returns
    -------
    tensors : dict of str to ndarray
        The arrays, read-only.
    document : dict
        The JSON document of the header.

    Raises
    ------
    UserError
        If the file is missing, cut off, damaged, of another kind, or newer than this program.
    """
    path = Path(path)
    library = _safetensors(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file; check the path.") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error}); check that you may read it.") from error
    document = _document(path, _header(path, data), formats)
    try:
        tensors = library.load(data)
    except Exception as error:  # the library's own exception type; whatever fails here is a fault of the file
        raise UserError(
            f"{path}: this safetensors file is damaged ({error}); copy it again, or write it anew."
        ) from error
    return tensors, document


def _safetensors(path: str | Path) -> ModuleType:
    """The library, imported when the first file is read or written, so that `import minunet` stays fast."""
    try:
        import safetensors.numpy
    except ImportError as error:
        raise UserError(
            f"{path}: model files need the package safetensors, which is not installed; run: pip install safetensors"
        ) from error
    return safetensors.numpy


def _header(path: Path, data: bytes) -> dict[str, Any]:
    """The safetensors header; for a bad file, the error says whether it is another format, cut off or damaged.

    The errors of the library itself do not say this to a user: they are codes such as `MetadataIncompleteBuffer`.
    """
    other_format = UserError(
        f"{path}: this is not a safetensors file; give the model.safetensors that training wrote, or its run folder."
    )
    if not data:
        raise UserError(f"{path}: this file is empty; copy it again, or train again.")
    if len(data) > LENGTH and data[LENGTH : LENGTH + 1] != b"{":
        raise other_format
    length = int.from_bytes(data[:LENGTH], "little")
    if len(data) > LENGTH and length > LARGEST_HEADER:
        raise other_format
    if len(data) < LENGTH + length:
        raise _cut_off(path, len(data), None)
    try:
        header = json.loads(data[LENGTH : LENGTH + length].decode("utf-8"))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        expected = LENGTH + length + max(ends, default=0)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        raise UserError(f"{path}: the header of this file is damaged; copy it again, or train again.") from None
    if len(data) < expected:
        raise _cut_off(path, len(data), expected)
    return header


def _cut_off(path: Path, size: int, expected: int | None) -> UserError:
    share = f"it ends after {size:,} bytes" if expected is None else f"{size:,} of {expected:,} bytes are there"
    return UserError(f"{path}: this model file is cut off ({share}); copy it again, or train again.")


def _document(path: Path, header: dict[str, Any], formats: Mapping[str, str]) -> dict[str, Any]:
    expected = " or ".join(formats.values())
    metadata = header.get("__metadata__") or {}
    if KEY not in metadata:
        raise UserError(
            f"{path}: this safetensors file was not written by minunet (its header has no entry '{KEY}', so neither "
            f"the architecture nor the preprocessing is known); give {expected}."
        )
    try:
        document = json.loads(metadata[KEY])
        kind, version = document["format"], int(document["format_version"])
    except (ValueError, TypeError, KeyError):
        raise UserError(f"{path}: the header of this file is damaged; copy it again, or train again.") from None
    if version > VERSION:
        writer = (document.get("versions") or {}).get("minunet", "a newer one")
        raise UserError(
            f"{path}: this file has format version {version}, written by minunet {writer}, and this minunet reads up "
            f"to version {VERSION}; upgrade with: pip install --upgrade minunet"
        )
    if kind not in formats:
        raise UserError(f"{path}: this file holds '{kind}', not what is needed here; give {expected}.")
    return document
