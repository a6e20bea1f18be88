"""Initial weights: random numbers with a variance that keeps activations of the same magnitude from layer to layer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

_DRAWN = ContextVar("_DRAWN", default=True)
_NO_GENERATOR: Any = None  # where nothing is drawn: importing numpy.random takes 10 ms


@contextmanager
def weights_follow() -> Iterator[None]:
    """Within the block, weights of new layers are not drawn: their values are undefined until a state is loaded.

    Drawing 31 million weights takes longer than reading them from a file.
    """
    token = _DRAWN.set(False)
    try:
        yield
    finally:
        _DRAWN.reset(token)


def generator(rng: np.random.Generator | None) -> np.random.Generator:
    """`rng` itself, or a new `default_rng(0)` if it is None; never a global generator."""
    if rng is None:
        return np.random.default_rng(0) if _DRAWN.get() else _NO_GENERATOR
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng must be a numpy.random.Generator, got {type(rng).__name__}")
    return rng


def he_normal(shape: tuple[int, ...], fan_in: int, rng: np.random.Generator) -> np.ndarray:
    """float32 normal values of variance 2 / fan_in, for layers followed by ReLU (He et al. 2015, equation 10)."""
    if not _DRAWN.get():
        return np.empty(shape, np.float32)
    return (rng.standard_normal(shape) * np.sqrt(2.0 / fan_in)).astype(np.float32)


def glorot_uniform(shape: tuple[int, ...], fan_in: int, fan_out: int, rng: np.random.Generator) -> np.ndarray:
    """float32 uniform values in +- sqrt(6 / (fan_in + fan_out)), for linear, tanh and sigmoid layers.

    Glorot and Bengio 2010, equation 16.
    """
    if not _DRAWN.get():
        return np.empty(shape, np.float32)
    limit = np.sqrt(6.0 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, shape).astype(np.float32)
