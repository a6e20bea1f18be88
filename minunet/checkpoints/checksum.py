"""The checksum of a model file or training state: it shows a single bit that changed on a disk or in transfer.

It is an entry of the header, and covers the tensors and all other entries. Files without it, of earlier versions, are accepted.
"""

from __future__ import annotations

import hashlib
import json
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
