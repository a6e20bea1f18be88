"""The arithmetic of convolutions on a GPU: full float32, or tf32 or bfloat16 factors on tensor cores if the GPU has them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from minunet.kernels import backend

PRECISIONS = ("fp32", "tf32", "bf16")
TENSOR_CORES = (8, 0)  # the first compute capability whose tensor cores multiply bf16 and tf32


class _State(threading.local):
    precision = "fp32"


_STATE = _State()


def has_tensor_cores() -> bool:
    """Whether the GPU has tensor cores that multiply bf16 and tf32."""
    return backend.compute_capability() >= TENSOR_CORES


def allows_tf32() -> bool:
    """Whether float32 convolutions may round their factors to tf32, 10 bits of mantissa (in this thread)."""
    return _STATE.precision != "fp32"


@contextlib.contextmanager
def use_precision(precision: str) -> Iterator[None]:
    """Within the block, compute in "fp32" (the default), "tf32" or "bf16" on a GPU (in this thread).

    In "bf16", convolutions of bfloat16 arrays use tensor cores, as always; those of float32 arrays are computed in tf32.

    Raises
    ------
    ValueError
        If the name is not known.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    before = _STATE.precision
    _STATE.precision = precision
    try:
        yield
    finally:
        _STATE.precision = before
