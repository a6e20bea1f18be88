"""Gradient clipping: a step's gradient, all parameters together, is shortened to a given length where it is longer.

Without batch normalisation a deep U-Net meets a few steps with gradients tens of times the usual length, and one of them can undo
the training at a high learning rate.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from minunet.kernels.backend import array_module


def gradient_norm(parameters: Iterable[Any]) -> float:
    """The Euclidean length of all gradients taken as one vector."""
    # Summed in float64 by NumPy itself: a BLAS product may depend on the number of threads. On a GPU the sums stay there
    # until the last, so that it is waited for once and not for every parameter.
    total: Any = 0.0
    for parameter in parameters:
        if parameter.grad is not None:
            total = total + array_module(parameter.grad).square(parameter.grad, dtype=np.float64).sum()
    return math.sqrt(float(total))


def clip_gradients(parameters: Iterable[Any], limit: float) -> float:
    """Scale all gradients by `limit / norm` where their norm is above `limit`, in place.

    Pascanu, Mikolov & Bengio 2013, "On the difficulty of training recurrent neural networks", algorithm 1.

    Parameters
    ----------
    parameters : iterable of Parameter
    limit : float
        The longest gradient left as it is.

    Returns
    -------
    float
        The norm before; not finite where a gradient is not, and then nothing is scaled.
    """
    parameters = list(parameters)
    norm = gradient_norm(parameters)
    if math.isfinite(norm) and norm > limit:
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad *= parameter.grad.dtype.type(limit / norm)
    return norm
