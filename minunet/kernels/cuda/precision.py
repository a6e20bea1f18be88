"""The arithmetic of a GPU's convolutions: full float32, or tf32 or bfloat16 factors on tensor cores, where it has them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from minunet.kernels import backend

PRECISIONS = ("fp32", "tf32", "bf16")
CHOICES = ("auto", *PRECISIONS)
TENSOR_CORES = (8, 0)  # the compute capability whose tensor cores multiply bf16 and tf32
_STATE = threading.local()


def resolved(precision: str, device: str, fused: bool) -> str:
    """What a precision, "auto" among them, means on "cpu" or "cuda", where the network has a fused step or not."""
    if precision != "auto":
        return precision
    if device == "cpu" or not has_tensor_cores():
        return "fp32"
    return "bf16" if fused else "tf32"


def has_tensor_cores() -> bool:
    """Whether the GPU multiplies bf16 and tf32."""
    return backend.compute_capability() >= TENSOR_CORES


def why_without(precision: str, device: str) -> str | None:
    """None where "cpu" or "cuda" computes in a precision, else the reason as a sentence with its remedy."""
    if precision not in ("tf32", "bf16"):
        return None
    if device == "cpu":
        return "the CPU computes in fp32 alone; give fp32, or run on a GPU"
    if not has_tensor_cores():
        found = ".".join(map(str, backend.compute_capability()))
        return f"this takes a GPU of compute capability 8.0 or newer, this one has {found}; give fp32"
    return None


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
