"""Adam's step."""

from __future__ import annotations

from minunet.kernels.backend import array_module
from minunet.kernels.dispatch import primitive


@primitive
def adam(params, grads, exp_avgs, exp_avg_sqs, step, lr, betas, eps, weight_decay) -> None:
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
