"""Which arithmetic the GPU's convolutions use on float32 arrays: full float32, or tf32 on tensor cores."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

PRECISIONS = ("fp32", "tf32", "bf16")
_STATE = threading.local()


def allows_tf32() -> bool:
    """Whether float32 convolutions may round their factors to tf32's 10 bits of mantissa (in this thread)."""
    return getattr(_STATE, "precision", "fp32") != "fp32"


@contextlib.contextmanager
def use_precision(precision: str) -> Iterator[None]:
    """Within the block, compute in "fp32" (the default), "tf32" or "bf16" on a GPU (in this thread).

    "bf16" concerns arrays of bfloat16, whose convolutions always use tensor cores; what stays float32 beside them is computed in
    tf32.

    Raises
    ------
    ValueError
        If the name is not known.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    before = getattr(_STATE, "precision", "fp32")
    _STATE.precision = precision
    try:
        yield
    finally:
        _STATE.precision = before
