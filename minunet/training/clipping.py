"""Gradient clipping: where the norm of the gradient, all parameters together, is above a limit, the gradient is scaled to it.

In a deep U-Net without batch normalisation the gradients of a few steps are tens of times longer than usual. At a high learning
rate one such step can undo the training.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from minunet.kernels.backend import array_module


def gradient_norm(parameters: Iterable[Any]) -> float:
    """The Euclidean norm of all gradients together, as one vector."""
    # Summed in float64 by NumPy itself: a BLAS product can depend on the number of threads. On a GPU the sums stay there until the
    # end, so that Python waits for the GPU only once.
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
        The largest norm that is left as it is.

    Returns
    -------
    float
        The norm before clipping. Where a gradient is not finite, neither is the norm, and nothing is scaled.
    """
    parameters = list(parameters)
    norm = gradient_norm(parameters)
    if math.isfinite(norm) and norm > limit:
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad *= parameter.grad.dtype.type(limit / norm)
    return norm
