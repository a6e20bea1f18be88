"""Losses: one number that says how far predictions are from targets, the mean over all elements or images."""

from __future__ import annotations

from typing import Any

import numpy as np

from minunet.autograd import Function, Tensor, as_tensor
from minunet.functional.arguments import constant
from minunet.kernels import reference
from minunet.kernels.backend import array_module

LOG_FLOOR = (
    -100.0
)  # log(0) is taken as this, as PyTorch does, so that a certain, wrong prediction costs a finite amount


class BinaryCrossEntropy(Function):
    """mean of -w (t log p + (1 - t) log(1 - p)); d/dp = w (p - t) / (p (1 - p)) / n."""

    returns_fresh_arrays = True

    def __init__(self, target: Any, weight: Any):
        self.target, self.weight = target, weight

    def forward(self, p: Any) -> Any:
        self.save(p)
        xp = array_module(p)
        with np.errstate(divide="ignore"):
            log_p, log_q = xp.maximum(xp.log(p), LOG_FLOOR), xp.maximum(xp.log(1 - p), LOG_FLOOR)
        loss = -(self.target * log_p + (1 - self.target) * log_q)
        return (loss if self.weight is None else loss * self.weight).mean()

    def backward(self, grad_output: Any) -> tuple[Any, ...]:
        (p,) = self.saved
        xp = array_module(p)
        grad = (p - self.target) / xp.maximum(p * (1 - p), 1e-12) * (grad_output / p.size)
        return (grad if self.weight is None else grad * self.weight,)


class BinaryCrossEntropyWithLogits(Function):
    """mean of w (max(z, 0) - z t + log(1 + exp(-|z|))); d/dz = w (sigmoid(z) - t) / n."""

    returns_fresh_arrays = True

    def __init__(self, target: Any, weight: Any):
        self.target, self.weight = target, weight

    def forward(self, logits: Any) -> Any:
        self.save(logits)
        return reference.bce_with_logits(logits, self.target, self.weight)

    def backward(self, grad_output: Any) -> tuple[Any, ...]:
        return (reference.bce_with_logits_grad(grad_output, self.saved[0], self.target, self.weight),)


class CrossEntropy(Function):
    """mean over labels of -log softmax(z)[label]; d/dz = (softmax(z) - onehot(label)) / (number of labels)."""

    returns_fresh_arrays = True

    def __init__(self, labels: Any):
        self.labels = labels  # (rows,) integers

    def forward(self, logits: Any) -> Any:
        self.save(logits)
        xp = array_module(logits)
        z = logits.reshape(-1, logits.shape[-1])  # (rows, classes)
        top = z.max(axis=1)
        log_sum = xp.log(xp.exp(z - top[:, None]).sum(axis=1)) + top
        return (log_sum - z[xp.arange(len(z)), self.labels]).mean()

    def backward(self, grad_output: Any) -> tuple[Any, ...]:
        (logits,) = self.saved
        xp = array_module(logits)
        grad = reference.softmax(logits.reshape(-1, logits.shape[-1]), -1)
        grad[xp.arange(len(grad)), self.labels] -= 1
        grad *= grad_output / len(grad)
        return (grad.reshape(logits.shape),)


class DiceLoss(Function):
    """1 - mean over images of D = (2 I + 1) / (S + 1), I = sum p t, S = sum p + sum t, p = sigmoid(z).

    dD/dp = (2 t (S + 1) - (2 I + 1)) / (S + 1)^2, and dp/dz = p (1 - p).
    """

    returns_fresh_arrays = True

    def __init__(self, target: Any):
        self.target = target

    def forward(self, logits: Any) -> Any:
        p = reference.sigmoid(logits)
        axes = tuple(range(1, p.ndim))  # an image is all that shares a first index
        overlap = 2 * (p * self.target).sum(axis=axes, keepdims=True) + 1
        size = (p + self.target).sum(axis=axes, keepdims=True) + 1
        self.save(p, overlap, size)
        return 1 - (overlap / size).mean()

    def backward(self, grad_output: Any) -> tuple[Any, ...]:
        p, overlap, size = self.saved
        slope = (2 * self.target * size - overlap) / (size * size)
        return (slope * (p * (1 - p)) * (-grad_output / overlap.size),)


def binary_cross_entropy(p: Any, target: Any, weight: Any = None) -> Tensor:
    """Binary cross-entropy of probabilities, the mean over all elements; natural logarithm, in nats.

    Parameters
    ----------
    p : Tensor, any shape
        Probabilities in [0, 1]. Prefer `binary_cross_entropy_with_logits`, which loses nothing near 0 and 1.
    target : array or Tensor, the shape of `p`
        In [0, 1]; grey values are allowed.
    weight : array or Tensor, the shape of `p`, optional
        Multiplies each element before the mean (over all elements, not over the weights).

    Raises
    ------
    ValueError
        If a shape differs, or target or weight requires a gradient.
    """
    p = as_tensor(p)
    target = constant("binary_cross_entropy", "target", target, p)
    weight = None if weight is None else constant("binary_cross_entropy", "weight", weight, p)
    return BinaryCrossEntropy(target, weight).apply(p)


def binary_cross_entropy_with_logits(logits: Any, target: Any, weight: Any = None) -> Tensor:
    """Binary cross-entropy of sigmoid(logits), the mean over all elements; exact for logits of any size.

    Parameters
    ----------
    logits : Tensor, any shape
    target, weight
        As for `binary_cross_entropy`.

    Raises
    ------
    ValueError
        If a shape differs, or target or weight requires a gradient.
    """
    logits = as_tensor(logits)
    target = constant("binary_cross_entropy_with_logits", "target", target, logits)
    weight = None if weight is None else constant("binary_cross_entropy_with_logits", "weight", weight, logits)
    return BinaryCrossEntropyWithLogits(target, weight).apply(logits)


def cross_entropy(logits: Any, labels: Any) -> Tensor:
    """Cross-entropy of softmax(logits) over the last axis, the mean over all labels, in nats.

    Parameters
    ----------
    logits : Tensor (..., classes)
    labels : array of integers (...)
        The right class of each, from 0.

    Raises
    ------
    ValueError
        If the shapes do not fit or a label is no class.
    """
    logits = as_tensor(logits)
    if logits.ndim == 0:
        raise ValueError("cross_entropy: logits must end in an axis of classes, got shape ()")
    xp = array_module(logits.data)
    given = xp.asarray(labels.data if isinstance(labels, Tensor) else labels)
    if given.shape != logits.shape[:-1]:
        raise ValueError(f"cross_entropy: labels must have shape {logits.shape[:-1]}, got {given.shape}")
    index = given.astype(np.int64)
    classes = logits.shape[-1]
    if bool((index != given).any()) or bool((index < 0).any()) or bool((index >= classes).any()):
        raise ValueError(f"cross_entropy: labels must be whole numbers from 0 to {classes - 1}")
    return CrossEntropy(index.reshape(-1)).apply(logits)


def dice_loss(logits: Any, target: Any) -> Tensor:
    """1 - soft Dice coefficient (Milletari et al. 2016, with 1 added above and below), the mean over images.

    Parameters
    ----------
    logits : Tensor (N, ...)
        p = sigmoid(logits). Each first index is one image; a 0-d tensor is one image of one pixel.
    target : array or Tensor, the same shape, in [0, 1]

    Returns
    -------
    Tensor
        1 - mean of (2 sum(p t) + 1) / (sum p + sum t + 1).

    Raises
    ------
    ValueError
        If the shape differs or the target requires a gradient.
    """
    logits = as_tensor(logits)
    target = constant("dice_loss", "target", target, logits)
    if logits.ndim == 0:
        return dice_loss(logits.reshape(1), target.reshape(1))
    return DiceLoss(target).apply(logits)
