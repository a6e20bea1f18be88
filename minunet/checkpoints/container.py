"""One file of ours: named arrays in the safetensors format, and one JSON document in its header that explains them.

Anyone can read it without this package: `json.loads(safe_open(path, "np").metadata()["minunet"])` is the document.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minunet.errors import UserError
from minunet.files.atomic import utf8, write_bytes

VERSION = 1
KEY = "minunet"  # one metadata entry: safetensors writes several in an order that changes from run to run
LENGTH = 8  # bytes of the little-endian header length that a safetensors file begins with
LARGEST_HEADER = 100_000_000  # bytes; the format's own limit


def write(path: str | Path, tensors: Mapping[str, np.ndarray], document: Mapping[str, Any]) -> Path:
    """Write arrays and their document to `path`, whole or not at all.

    Parameters
    ----------
    path : str or Path
        The file; by custom it ends in `.safetensors`.
    tensors : mapping of str to ndarray
        The arrays.
    document : mapping
        What JSON can hold; `document["format"]` says what kind of file it is. The format's version is added.

    Raises
    ------
    UserError
        Where safetensors is not installed or the file cannot be written.
    """
    library = _safetensors(path)
    document = {"format": document["format"], "format_version": VERSION, **document}
    # safetensors copies memory as it lies: a transposed view would be stored scrambled. asarray keeps 0-d arrays 0-d.
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
        The kinds accepted (`document["format"]`), each with the words that describe it in an error.

    Returns
    -------
    tensors : dict of str to ndarray
        The arrays, read-only.
    document : dict
        The JSON document of the header.

    Raises
    ------
    UserError
        Where the file is missing, cut off, damaged, of another kind, or newer than this program.
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
    except (
        Exception
    ) as error:  # the library's own type exists only once it is imported; every failure here is the file's
        raise UserError(
            f"{path}: this safetensors file is damaged ({error}); copy it again, or write it anew."
        ) from error
    return tensors, document


def _safetensors(path: str | Path):
    """The library, imported when a file is first touched, so that `import minunet` stays quick."""
    try:
        import safetensors.numpy
    except ImportError as error:
        raise UserError(
            f"{path}: model files need the package safetensors, which is not installed; run: pip install safetensors"
        ) from error
    return safetensors.numpy


def _header(path: Path, data: bytes) -> dict[str, Any]:
    """The safetensors header; says of a bad file whether it is foreign, cut off or damaged.

    The library tells these apart by codes such as `MetadataIncompleteBuffer`, and a cut file must be called one.
    """
    foreign = UserError(
        f"{path}: this is not a safetensors file; give the model.safetensors that training wrote, or its run folder."
    )
    if not data:
        raise UserError(f"{path}: this file is empty; copy it again, or train again.")
    if len(data) > LENGTH and data[LENGTH : LENGTH + 1] != b"{":
        raise foreign
    length = int.from_bytes(data[:LENGTH], "little")
    if len(data) > LENGTH and length > LARGEST_HEADER:
        raise foreign
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
    wanted = " or ".join(formats.values())
    metadata = header.get("__metadata__") or {}
    if KEY not in metadata:
        raise UserError(
            f"{path}: this safetensors file was not written by minunet (its header has no entry '{KEY}', so neither "
            f"the architecture nor the preprocessing is known); give {wanted}."
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
        raise UserError(f"{path}: this file holds '{kind}', not what is needed here; give {wanted}.")
    return document
