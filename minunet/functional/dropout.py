"""Dropout: in training, each element is set to 0 with probability p and the others are scaled up to keep the mean."""

from __future__ import annotations

import numpy as np

from minunet.autograd import Function, Tensor, TensorLike, as_tensor
from minunet.kernels.backend import Array, array_module


class Dropout(Function):
    """Multiplication by a random mask m of zeros and ones, drawn once per element.

    y = x m / (1 - p)
    dx = g m / (1 - p)
    """

    returns_fresh_arrays = True

    def __init__(self, p: float, rng: np.random.Generator):
        self.p, self.rng = p, rng

    def forward(self, x: Array) -> Array:
        # Drawn on the host, so that the same generator drops the same elements on every device.
        mask = array_module(x).asarray(self.rng.random(x.shape) >= self.p)
        self.save(mask)
        return self._masked(x, mask)

    def backward(self, grad_output: Array) -> tuple[Array]:
        return (self._masked(grad_output, self.saved[0]),)

    def _masked(self, x: Array, mask: Array) -> Array:
        scaled = x * mask * (1 / (1 - self.p) if self.p < 1 else 0.0)
        return scaled.astype(x.dtype, copy=False)  # bfloat16 becomes float32 beside a number


def dropout(x: TensorLike, p: float, rng: np.random.Generator, training: bool) -> Tensor:
    """Dropout (Srivastava et al. 2014), in the form that does nothing outside training.

    Parameters
    ----------
    x : Tensor, any shape
    p : float
        Probability that an element is set to 0; the others are multiplied by 1 / (1 - p).
    rng : numpy.random.Generator
        Draws which elements are set to 0.
    training : bool
        If False, `x` itself is returned.

    Returns
    -------
    Tensor
        Of the same shape.

    Raises
    ------
    ValueError
        If `p` is not in [0, 1] or `rng` is not a Generator.

    Examples
    --------
    >>> dropout([1.0, 2.0, 3.0, 4.0], 0.5, np.random.default_rng(0), training=True)
    Tensor([2., 0., 0., 0.], dtype=float32)
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p must be between 0 and 1, got {p!r}")
    x = as_tensor(x)
    if not training or p == 0:
        return x
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"dropout: rng must be a numpy.random.Generator, got {type(rng).__name__}")
    return Dropout(float(p), rng).apply(x)
