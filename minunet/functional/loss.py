"""Losses: one number that measures how far predictions are from targets, the mean over all elements or images."""

from __future__ import annotations

import numpy as np

from minunet.autograd import Tensor, TensorLike
from minunet.functional.loss_arguments import predictions, target_and_weight, target_like
from minunet.functional.primitive_function import PrimitiveFunction
from minunet.kernels import primitives
from minunet.kernels.backend import Array, array_module
from minunet.kernels.plain_array import plain

# The smallest logarithm, as in PyTorch: log(0) becomes this, so that a certain but wrong prediction has a finite cost.
MIN_LOG = -100.0


class BinaryCrossEntropy(PrimitiveFunction):
    """Cross-entropy of probabilities p and targets t, with weights w, over n elements.

    y = mean of -w (t log p + (1 - t) log(1 - p))
    dp = g w (p - t) / (p (1 - p)) / n
    dtarget = none
    dweight = none
    """

    def forward(self, p: Array, target: Array, weight: Array | None) -> Array:
        self.save(p, target, weight)
        xp = array_module(p)
        with np.errstate(divide="ignore"):
            log_p, log_q = xp.maximum(xp.log(p), MIN_LOG), xp.maximum(xp.log(1 - p), MIN_LOG)
        loss = -(target * log_p + (1 - target) * log_q)
        return (loss if weight is None else loss * weight).mean()

    def backward(self, grad_output: Array) -> tuple[Array | None, ...]:
        p, target, weight = self.saved
        xp = array_module(p)
        # PyTorch's lower limit as well: at p = 0 and p = 1 the gradient is large but finite.
        grad = (p - target) / xp.maximum(p * (1 - p), 1e-12) * (grad_output / p.size)
        return grad if weight is None else grad * weight, None, None


class BinaryCrossEntropyWithLogits(PrimitiveFunction):
    """Cross-entropy of sigmoid(z) for logits z and targets t, with weights w, over n elements.

    y = mean of w (max(z, 0) - z t + log(1 + exp(-|z|)))
    dlogits = g w (sigmoid(z) - t) / n
    dtarget = none
    dweight = none
    """

    def forward(self, logits: Array, target: Array, weight: Array | None) -> Array:
        self.save(logits, target, weight)
        return primitives.bce_with_logits(logits, target, weight)

    def backward(self, grad_output: Array) -> tuple[Array | None, ...]:
        return primitives.bce_with_logits_grad(grad_output, *self.saved), None, None


class CrossEntropy(PrimitiveFunction):
    """Cross-entropy of softmax(z) for logits z and labels, over n labels.

    y = mean over labels of -log softmax(z)[label]
    dlogits = g (softmax(z) - onehot(label)) / n
    """

    def __init__(self, labels: Array):
        self.labels: Array | None = labels  # (rows,) integers

    def forward(self, logits: Array) -> Array:
        rows = logits.reshape(-1, logits.shape[-1])  # (rows, classes)
        self.save(rows)
        xp = array_module(rows)
        # With the largest logit subtracted, log of (1 + the other exponentials): the small loss of a confident answer would be
        # lost beside the logits or the 1.
        every, top = xp.arange(len(rows)), rows.argmax(axis=1)
        with np.errstate(over="ignore"):
            below = rows - rows[every, top][:, None]
        others = xp.exp(below)
        others[every, top] = 0
        return (xp.log1p(others.sum(axis=1)) - below[every, self.labels]).mean()

    def backward(self, grad_output: Array) -> tuple[Array]:
        (rows,) = self.saved
        xp = array_module(rows)
        grad = primitives.softmax(rows, -1)
        every = xp.arange(len(grad))
        grad[every, self.labels] = 0
        grad[every, self.labels] = -grad.sum(axis=1)  # softmax - 1, without the rounding of a difference
        grad *= grad_output / len(grad)
        shape, _ = self.input_types[0]
        return (grad.reshape(shape),)

    def release(self) -> None:
        super().release()
        self.labels = None


class DiceLoss(PrimitiveFunction):
    """Soft Dice loss of p = sigmoid(z) for logits z and targets t, over n images.

    With I = sum p t and S = sum p + sum t in each image:

    y = 1 - mean over images of (2 I + 1) / (S + 1)
    dlogits = -g / n (2 t (S + 1) - (2 I + 1)) / (S + 1)^2 p (1 - p)
    dtarget = none
    """

    def forward(self, logits: Array, target: Array) -> Array:
        p = primitives.sigmoid(logits)
        axes = tuple(range(1, p.ndim))  # everything with the same first index is one image
        overlap = 2 * (p * target).sum(axis=axes, keepdims=True) + 1
        size = (p + target).sum(axis=axes, keepdims=True) + 1
        self.save(p, target, overlap, size)
        return 1 - (overlap / size).mean()

    def backward(self, grad_output: Array) -> tuple[Array | None, ...]:
        p, target, overlap, size = self.saved
        slope = (2 * target * size - overlap) / (size * size)
        return slope * (p * (1 - p)) * (-grad_output / overlap.size), None


def binary_cross_entropy(p: TensorLike, target: TensorLike, weight: TensorLike | None = None) -> Tensor:
    """Binary cross-entropy of probabilities, the mean over all elements; natural logarithm, in nats.

    Parameters
    ----------
    p : Tensor, any shape
        Probabilities in [0, 1]. Prefer `binary_cross_entropy_with_logits`, which is exact near 0 and 1.
    target : array or Tensor, the shape of `p`
        In [0, 1]; grey values are allowed. A target that lies on a GPU already is not checked, since that would wait for the GPU.
    weight : number, array or Tensor that broadcasts to the shape of `p`, optional
        Multiplies each element before the mean (over all elements, not over the weights).

    Returns
    -------
    Tensor
        One number. Logarithms are limited to at least -100, as in PyTorch, so that it is finite for p = 0 and p = 1.

    Raises
    ------
    ValueError
        If a shape differs, `p` is empty, `p` or the target is not in [0, 1], or target or weight requires a gradient.

    Examples
    --------
    >>> round(binary_cross_entropy([0.5, 0.5], [0.0, 1.0]).item(), 4)  # log(2)
    0.6931
    """
    p = predictions("binary_cross_entropy", "p", p)
    if bool((p.data < 0).any()) or bool((p.data > 1).any()):
        low, high = float(p.data.min()), float(p.data.max())
        raise ValueError(
            f"binary_cross_entropy: p must be probabilities in [0, 1], got values from {low:g} to {high:g}; "
            "for logits use binary_cross_entropy_with_logits"
        )
    return BinaryCrossEntropy().apply(p, *target_and_weight("binary_cross_entropy", p, target, weight))


def binary_cross_entropy_with_logits(
    logits: TensorLike, target: TensorLike, weight: TensorLike | None = None
) -> Tensor:
    """Binary cross-entropy of sigmoid(logits), the mean over all elements in nats; exact for logits of any size.

    Parameters
    ----------
    logits : Tensor, any shape
    target, weight
        As for `binary_cross_entropy`.

    Returns
    -------
    Tensor
        One number.

    Raises
    ------
    ValueError
        If a shape differs, `logits` is empty, the target is not in [0, 1], or target or weight requires a gradient.

    Examples
    --------
    >>> round(binary_cross_entropy_with_logits([0.0, 0.0], [0.0, 1.0]).item(), 4)  # log(2)
    0.6931
    """
    name = "binary_cross_entropy_with_logits"
    logits = predictions(name, "logits", logits)
    return BinaryCrossEntropyWithLogits().apply(logits, *target_and_weight(name, logits, target, weight))


def cross_entropy(logits: TensorLike, labels: TensorLike) -> Tensor:
    """Cross-entropy of softmax(logits) over the last axis, the mean over all labels, in nats.

    Parameters
    ----------
    logits : Tensor (..., classes)
        A logit of -inf is a class of probability 0. One of +inf gives NaN, as in PyTorch.
    labels : array of integers (...)
        The true classes, counted from 0.

    Returns
    -------
    Tensor
        One number.

    Raises
    ------
    ValueError
        If the shapes do not fit, there are no labels, or a label is not the number of a class.

    Examples
    --------
    >>> round(cross_entropy([[0.0, 0.0, 0.0]], [2]).item(), 4)  # log(3)
    1.0986
    """
    logits = predictions("cross_entropy", "logits", logits)
    if logits.ndim == 0:
        raise ValueError("cross_entropy: logits must end in an axis of classes, got shape ()")
    xp = array_module(logits.data)
    label_array = xp.asarray(labels.data if isinstance(labels, Tensor) else plain(labels))
    if label_array.dtype.kind not in "biuf":
        raise ValueError(f"cross_entropy: labels must be whole numbers, got {label_array.dtype}")
    if label_array.shape != logits.shape[:-1]:
        raise ValueError(f"cross_entropy: labels must have shape {logits.shape[:-1]}, got {label_array.shape}")
    with np.errstate(invalid="ignore"):  # NaN becomes an integer, which differs from it below
        index = label_array.astype(np.int64)
    classes = logits.shape[-1]
    if bool((index != label_array).any()) or bool((index < 0).any()) or bool((index >= classes).any()):
        raise ValueError(f"cross_entropy: labels must be whole numbers from 0 to {classes - 1}")
    return CrossEntropy(index.reshape(-1)).apply(logits)


def dice_loss(logits: TensorLike, target: TensorLike) -> Tensor:
    """1 - soft Dice coefficient of sigmoid(logits), the mean over images.

    The coefficient is that of Milletari et al. 2016, with 1 added to numerator and denominator.

    Parameters
    ----------
    logits : Tensor (N, ...)
        Not probabilities: p = sigmoid(logits) is computed here. Each first index is one image; a 0-d tensor is one image of one
        pixel.
    target : array or Tensor, the same shape, in [0, 1]
        One that lies on a GPU already is not checked.

    Returns
    -------
    Tensor
        1 - mean of (2 sum(p t) + 1) / (sum p + sum t + 1).

    Raises
    ------
    ValueError
        If the shape differs, `logits` is empty, the target is not in [0, 1], or the target requires a gradient.

    Examples
    --------
    >>> dice_loss([[50.0, -50.0]], [[1.0, 0.0]]).item()
    0.0
    """
    logits = predictions("dice_loss", "logits", logits)
    truth = target_like("dice_loss", target, logits)
    if logits.ndim == 0:
        return dice_loss(logits.reshape(1), truth.reshape(1))
    return DiceLoss().apply(logits, truth)
