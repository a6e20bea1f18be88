"""Dropout: in training, each element is silenced with probability p and the rest scaled up to keep the mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from minunet.autograd import Function, Tensor, as_tensor
from minunet.kernels.backend import array_module


class Dropout(Function):
    """y = x m / (1 - p), m drawn once per element; the gradient passes through the same mask."""

    returns_fresh_arrays = True

    def __init__(self, p: float, rng: np.random.Generator):
        self.p, self.rng = p, rng

    def forward(self, x: Any) -> Any:
        # Drawn on the host, so that the same generator silences the same elements on every device.
        kept = array_module(x).asarray(self.rng.random(x.shape) >= self.p)
        self.save(kept)
        return self._masked(x, kept)

    def backward(self, grad_output: Any) -> tuple[Any, ...]:
        return (self._masked(grad_output, self.saved[0]),)

    def _masked(self, x: Any, kept: Any) -> Any:
        return x * kept * (1 / (1 - self.p) if self.p < 1 else 0.0)


def dropout(x: Any, p: float, rng: np.random.Generator, training: bool) -> Tensor:
    """Dropout (Srivastava et al. 2014), in the form that leaves the network unchanged outside training.

    Parameters
    ----------
    x : Tensor, any shape
    p : float
        Probability that an element is set to 0; the others are multiplied by 1 / (1 - p).
    rng : numpy.random.Generator
    training : bool
        False returns `x` itself.

    Raises
    ------
    ValueError
        If `p` is not in [0, 1] or `rng` is not a Generator.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p must be between 0 and 1, got {p!r}")
    x = as_tensor(x)
    if not training or p == 0:
        return x
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"dropout: rng must be a numpy.random.Generator, got {type(rng).__name__}")
    return Dropout(float(p), rng).apply(x)
