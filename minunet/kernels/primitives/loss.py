"""Binary cross-entropy on logits z and targets t: mean of w (max(z, 0) - z t + log(1 + exp(-|z|)))."""

from __future__ import annotations

from minunet.kernels.backend import array_module
from minunet.kernels.dispatch import primitive
from minunet.kernels.primitives.activation import sigmoid
from minunet.kernels.primitives.windows import Array


@primitive
def bce_with_logits(logits: Array, target: Array, weight: Array | None) -> Array:
    """The loss, 0-d. The form with exp(-|z|) overflows for no logit."""
    xp = array_module(logits)
    loss = xp.maximum(logits, 0) - logits * target + xp.log1p(xp.exp(-xp.abs(logits)))
    if weight is not None:
        loss = loss * weight
    return loss.mean()


@primitive
def bce_with_logits_grad(grad_output: Array, logits: Array, target: Array, weight: Array | None) -> Array:
    """g w (sigmoid(z) - t) / n."""
    grad = (sigmoid.reference.run(logits) - target) * (grad_output / logits.size)
    return grad if weight is None else grad * weight
