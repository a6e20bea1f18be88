"""Plain layers: modules for the operations in `minunet.functional` that have no weights and no window."""

from __future__ import annotations

import numpy as np

from minunet import functional as F
from minunet.autograd import Tensor, TensorLike
from minunet.nn.init import generator
from minunet.nn.module import Module


class ReLU(Module):
    """The layer of `minunet.functional.relu`: max(x, 0).

    Examples
    --------
    >>> ReLU()([-1.0, 2.0])
    Tensor([0., 2.], dtype=float32)
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.relu(x)


class Tanh(Module):
    """The layer of `minunet.functional.tanh`: the hyperbolic tangent.

    Examples
    --------
    >>> Tanh()([0.0])
    Tensor([0.], dtype=float32)
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.tanh(x)


class Sigmoid(Module):
    """The layer of `minunet.functional.sigmoid`: 1 / (1 + exp(-x)).

    Examples
    --------
    >>> Sigmoid()([0.0])
    Tensor([0.5], dtype=float32)
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.sigmoid(x)


class Softmax(Module):
    """The layer of `minunet.functional.softmax`: exp(x) divided by its sum along an axis.

    Parameters
    ----------
    axis : int
        Along which the values sum to 1.

    Examples
    --------
    >>> Softmax()([[1.0, 1.0]])
    Tensor([[0.5, 0.5]], dtype=float32)
    """

    def __init__(self, axis: int = -1):
        self.axis = axis

    def forward(self, x: TensorLike) -> Tensor:
        return F.softmax(x, self.axis)


class Flatten(Module):
    """The layer of `minunet.functional.flatten`: (N, ...) becomes (N, product of the rest).

    Examples
    --------
    >>> Flatten()(np.zeros((2, 4, 5, 3))).shape
    (2, 60)
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.flatten(x)


class Dropout(Module):
    """Dropout in training mode, and nothing in evaluation mode; see `minunet.functional.dropout`.

    Parameters
    ----------
    p : float
        Probability that an element is set to 0.
    rng : numpy.random.Generator, optional
        Draws which elements are; None means default_rng(0).

    Raises
    ------
    ValueError
        If `p` is not in [0, 1].

    Examples
    --------
    >>> layer = Dropout(0.5)
    >>> layer([1.0, 2.0, 3.0, 4.0])
    Tensor([2., 0., 0., 0.], dtype=float32)
    >>> layer.eval()([1.0, 2.0, 3.0, 4.0])
    Tensor([1., 2., 3., 4.], dtype=float32)
    """

    def __init__(self, p: float = 0.5, *, rng: np.random.Generator | None = None):
        if not 0 <= p <= 1:
            raise ValueError(f"Dropout: p must be between 0 and 1, got {p!r}")
        self.p, self.rng = p, generator(rng)

    def forward(self, x: TensorLike) -> Tensor:
        return F.dropout(x, self.p, self.rng, self.training)
