"""Adam's step."""

from __future__ import annotations

from collections.abc import Sequence

from minunet.kernels.backend import Array, array_module
from minunet.kernels.dispatch import primitive


def _no_result(*args: object) -> None:
    """The arguments are updated in place."""


@primitive(result_spec=_no_result, deciding=4)
def adam(
    params: Sequence[Array],
    grads: Sequence[Array],
    exp_avgs: Sequence[Array],
    exp_avg_sqs: Sequence[Array],
    step: int,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
) -> None:
    """One step of Adam (Kingma and Ba 2015, algorithm 1), in place on every parameter and its two moments.

    m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;  p -= lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps),
    where g includes weight_decay * p. `step` is t, counted from 1.
    """
    beta1, beta2 = betas
    for param, grad, exp_avg, exp_avg_sq in zip(params, grads, exp_avgs, exp_avg_sqs, strict=True):
        xp = array_module(param)
        if weight_decay:
            grad = grad + weight_decay * param
        exp_avg *= beta1
        exp_avg += (1 - beta1) * grad
        exp_avg_sq *= beta2
        exp_avg_sq += (1 - beta2) * (grad * grad)
        denominator = xp.sqrt(exp_avg_sq) / (1 - beta2**step) ** 0.5 + eps
        param -= (lr / (1 - beta1**step)) * exp_avg / denominator
