"""The checksum of a model file or training state: it shows a single bit that changed on a disk or in transfer.

It is an entry of the header, and covers the tensors and all other entries. Files without it, of earlier versions, are accepted.
"""

from __future__ import annotations

import _thread
import hashlib
import json
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

CHECKSUM = "checksum"
ALGORITHM = "sha256"


def checksum(tensors: Mapping[str, np.ndarray], document: Mapping[str, Any]) -> dict[str, str]:
    """The entry for these tensors (C contiguous) and this document."""
    return {"algorithm": ALGORITHM, "tensors": _of_tensors(tensors), "header": _of_document(document)}


def mismatch(tensors: Mapping[str, np.ndarray], document: Mapping[str, Any]) -> str | None:
    """The part that does not agree with the checksum: "tensors", "header" or the "checksum" itself; None if all agree."""
    if CHECKSUM not in document:
        return None
    stored = document[CHECKSUM]
    if not isinstance(stored, dict) or stored.get("algorithm") != ALGORITHM:
        return CHECKSUM
    return next((part for part, value in checksum(tensors, document).items() if stored.get(part) != value), None)


class ChecksumThread:
    """A thread that compares tensors and a document with their checksum.

    Parameters
    ----------
    tensors : mapping of str to ndarray
        May wait for tensors that are still being read.
    document : mapping
    """

    def __init__(self, tensors: Mapping[str, np.ndarray], document: Mapping[str, Any]):
        self._arguments = tensors, document
        self._found: str | None = None
        self._error: BaseException | None = None
        self._is_done = threading.Event()
        self._is_refused = False
        try:
            _thread.start_new_thread(self._compare, ())  # not Thread.start, see `WorkerThread.start`
        except RuntimeError:
            self._is_refused = True  # by the system

    def _compare(self) -> None:
        try:
            self._found = mismatch(*self._arguments)
        except BaseException as error:
            self._error = error
        finally:
            self._is_done.set()

    def result(self) -> str | None:
        """What `mismatch` returns; it is waited for."""
        if self._is_refused:
            self._compare()
        self._is_done.wait()
        if self._error is not None:
            raise self._error
        return self._found


def _of_tensors(tensors: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(f"{name} {array.dtype.str} {array.shape};".encode("utf-8", "backslashreplace"))
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _of_document(document: Mapping[str, Any]) -> str:
    entries = {name: value for name, value in document.items() if name != CHECKSUM}
    return hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()
