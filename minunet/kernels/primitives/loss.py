"""Binary cross-entropy on logits z and targets t: mean of w (max(z, 0) - z t + log(1 + exp(-|z|)))."""

from __future__ import annotations

import numpy as np

from minunet.kernels.array_spec import ArraySpec
from minunet.kernels.backend import Array, array_module
from minunet.kernels.dispatch import primitive
from minunet.kernels.primitives.activation import sigmoid


def _one_number(logits: Array, *others: object) -> ArraySpec:
    return ArraySpec((), logits.dtype)


def _like_logits(grad_output: Array, logits: Array, *others: object) -> ArraySpec:
    return ArraySpec.of(logits)


def bce_elements(logits: Array, target: Array) -> Array:
    """The loss of each element. An infinite logit is a certain answer: it costs nothing if it is right, else it is infinite."""
    xp = array_module(logits)
    size = xp.abs(logits)
    with np.errstate(invalid="ignore"):  # infinity times 0, or less itself
        linear = xp.maximum(logits, 0) - logits * target
    certain_cost = xp.where((logits > 0) == target, xp.zeros_like(size), size)
    return xp.where(xp.isinf(logits), certain_cost, linear) + xp.log1p(xp.exp(-size))


@primitive(result_spec=_one_number)
def bce_with_logits(logits: Array, target: Array, weight: Array | None) -> Array:
    """The loss, 0-d. The form with exp(-|z|) does not overflow for any logit."""
    loss = bce_elements(logits, target)
    if weight is not None:
        loss = loss * weight
    return loss.mean()


@primitive(result_spec=_like_logits)
def bce_with_logits_grad(grad_output: Array, logits: Array, target: Array, weight: Array | None) -> Array:
    """g w (sigmoid(z) - t) / n."""
    grad = (sigmoid.reference(logits) - target) * (grad_output / logits.size)
    return grad if weight is None else grad * weight
