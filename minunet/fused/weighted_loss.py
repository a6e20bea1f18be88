"""The losses that a fused step can minimise besides binary cross-entropy: cross-entropies in which each value has a weight."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minunet.autograd.tensor import Tensor

Terms = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


class WeightedCrossEntropy:
    """A loss that is the mean over all values of their weight times their cross-entropy.

    Parameters
    ----------
    compute : callable
        The loss by operations, of logits (N, H, W, channels) and targets (N, H, W, target_channels); gives a scalar Tensor.
    terms : callable
        Of targets as NumPy's: what each logit is to be, in [0, 1], and its weight, both (N, H, W, channels) float32. A logit whose
        weight is 0 counts for nothing.
    classes : int
        0, or how many logits, the first ones, are under a softmax. Then a pixel has one or two values: the index of its class, and
        what the logit behind those of the classes is to be. The loss is the sum of their means over the pixels.
    """

    def __init__(self, compute: Callable[[Tensor, Any], Tensor], terms: Terms, classes: int = 0):
        self._compute, self.terms, self.classes = compute, terms, classes

    def __call__(self, logits: Tensor, target: Any) -> Tensor:
        return self._compute(logits, target)
