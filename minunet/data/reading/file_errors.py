"""File errors: whatever goes wrong when an image file is read, as a sentence that names the file and the remedy."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from PIL import UnidentifiedImageError

from minunet.data.reading.unsupported import (
    IMAGECODECS,
    REMEDY,
    TIFF_SIGNATURES,
    needs_imagecodecs,
    unsupported_format,
    unsupported_jpeg,
    unsupported_reason,
    unsupported_tiff,
)
from minunet.errors import UserError
from minunet.wording import shorten

_SIGNATURES = {
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"BM": "BMP",
    **dict.fromkeys(TIFF_SIGNATURES, "TIFF"),
}


@contextlib.contextmanager
def user_errors(path: Path, file: BinaryIO | None = None) -> Iterator[None]:
    """Turn every exception from reading a file into a `UserError` that names the file; `file` is it, where it could be opened."""
    try:
        yield
    except (UserError, MemoryError):
        raise
    except FileNotFoundError as error:
        if path.is_symlink():
            raise UserError(
                f"{path} is a link to something that does not exist: copy the file in its place."
            ) from error
        raise UserError(f"{path} does not exist: check the name.") from error
    except PermissionError as error:
        raise UserError(f"{path} may not be read: ask for permission to read it.") from error
    except IsADirectoryError as error:
        raise UserError(f"{path} is a folder where an image file is expected: give a file in it.") from error
    except UnidentifiedImageError as error:
        raise UserError(_unidentified(path, file)) from error
    except Exception as error:  # decoders raise almost anything on damaged data
        if isinstance(error, OSError) and error.errno is not None:  # of the system, not of a decoder
            problem = f"cannot be read ({error.strerror}): give a PNG, JPEG, BMP or TIFF file."
        elif "truncated" in str(error).lower() or isinstance(error, EOFError):
            problem = "is truncated, the end of the picture is missing: copy or export it again."
        elif needs_imagecodecs(error):
            problem = f"is compressed in a way that is not read here ({shorten(error)}): {IMAGECODECS}."
        elif reason := unsupported_reason(error):
            problem = f"holds what is not read here ({shorten(reason)}): {REMEDY}."
        else:
            problem = f"is damaged ({shorten(error)}): copy or export it again."
        raise UserError(f"{shorten(path, 1000)} {problem}") from error


def unsupported_content(path: Path, kind: str, reason: str) -> str:
    """The sentence on a file in order with content that is not read here."""
    return f"{path} is a {kind} of {reason}, which is not read here: {REMEDY}."


def _unidentified(path: Path, file: BinaryIO | None) -> str:
    """The problem with a file that Pillow does not recognise."""
    start = b""
    if file is not None:
        file.seek(0)
        start = file.read(512)
    if not start:
        return f"{path} is empty (0 bytes): copy or export it again."
    if name := unsupported_format(start):
        return f"{path} is a {name} picture, which is not read here: convert it to PNG."
    if file is not None and (reason := unsupported_tiff(file, start) or unsupported_jpeg(file, start)):
        return unsupported_content(path, "JPEG" if start.startswith(b"\xff\xd8") else "TIFF", reason)
    for signature, name in _SIGNATURES.items():
        if start.startswith(signature):
            return f"{path} starts like a {name} picture but is truncated or damaged: copy or export it again."
    text = start.decode("utf-8", errors="ignore")
    if len(text.encode()) > len(start) - 4 and all(letter.isprintable() or letter.isspace() for letter in text):
        excerpt = " ".join(text.split())[:40]
        return (
            f"{path} is a text file, not an image (it begins with {excerpt!r}): remove it or put the real image there."
        )
    return f"{path} is not an image that can be read: give a PNG, JPEG, BMP or TIFF file."
