"""Losses of maps of classes: cross-entropy and Dice of a softmax over the channels, with a weight for each pixel.

The logits may have more channels than there are classes; those behind the classes get no gradient here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minunet.autograd import Tensor
from minunet.functional.primitive_function import PrimitiveFunction
from minunet.kernels import primitives
from minunet.kernels.backend import Array, array_module


class ClassCrossEntropy(PrimitiveFunction):
    """Cross-entropy of p = softmax(z) over the first K channels of z, for a class and a weight w of each of n pixels.

    y = sum over pixels of -w log p[class] / n
    dlogits = g w (p - onehot(class)) / n; 0 in the other channels
    """

    def __init__(self, is_class: Array, weight: Array):
        self.is_class: Array | None = is_class  # (..., K) bool, True in one channel of each pixel
        self.weight: Array | None = weight  # (..., 1)

    def forward(self, logits: Array) -> Array:
        xp = array_module(logits)
        assert self.is_class is not None and self.weight is not None
        scores = xp.ascontiguousarray(logits[..., : self.is_class.shape[-1]])
        self.save(scores)
        with np.errstate(over="ignore", invalid="ignore"):
            below = scores - scores.max(axis=-1, keepdims=True)
            # With the largest logit left out, log of (1 + the other exponentials): the small loss of a confident answer is kept.
            others = xp.exp(below)
            others *= xp.arange(others.shape[-1]) != scores.argmax(axis=-1)[..., None]
            losses = xp.log1p(others.sum(axis=-1, keepdims=True))
            losses -= xp.where(self.is_class, below, 0).sum(axis=-1, keepdims=True)
            return (losses * self.weight).sum() / logits.dtype.type(losses.size)

    def backward(self, grad_output: Array) -> tuple[Array]:
        (scores,) = self.saved
        grad = primitives.softmax(scores, -1)
        grad -= self.is_class
        grad *= self.weight * (grad_output / grad.dtype.type(grad.size // grad.shape[-1]))
        return (_padded(grad, self.input_types[0][0]),)

    def release(self) -> None:
        super().release()
        self.is_class = self.weight = None


class ClassDiceLoss(PrimitiveFunction):
    """Soft Dice loss of p = softmax(z) over the first K channels of z, for each image and class with a weight v.

    Pixels count with a factor c of 0 or 1. With I = sum c p t and S = sum c p + sum c t for each image and class, where t is 1 in
    the pixels of the class:

    y = sum over images and classes of v (1 - (2 I + 1) / (S + 1))
    dlogits = p (s - sum over classes of p s), where s = -g v c (2 t (S + 1) - (2 I + 1)) / (S + 1)^2
    """

    def __init__(self, is_class: Array, counted: Array, weight: Array):
        self.is_class: Array | None = is_class  # (N, ..., K) bool
        self.counted: Array | None = counted  # (N, ..., 1)
        self.weight: Array | None = weight  # (N, 1, ..., K)

    def forward(self, logits: Array) -> Array:
        xp = array_module(logits)
        assert self.is_class is not None and self.counted is not None and self.weight is not None
        p = primitives.softmax(xp.ascontiguousarray(logits[..., : self.is_class.shape[-1]]), -1)
        axes = tuple(range(1, p.ndim - 1))
        overlap = 2 * (p * self.is_class * self.counted).sum(axis=axes, keepdims=True) + 1  # (N, 1, ..., K)
        size = (p * self.counted).sum(axis=axes, keepdims=True) + 1
        size = size + (self.is_class * self.counted).sum(axis=axes, keepdims=True)
        self.save(p, overlap, size)
        return ((1 - overlap / size) * self.weight).sum()

    def backward(self, grad_output: Array) -> tuple[Array]:
        p, overlap, size = self.saved
        assert self.is_class is not None and self.counted is not None and self.weight is not None
        slope = (self.is_class * (2 * size) - overlap) / (size * size)
        slope *= self.counted * self.weight * -grad_output
        slope -= (p * slope).sum(axis=-1, keepdims=True)
        slope *= p
        return (_padded(slope, self.input_types[0][0]),)

    def release(self) -> None:
        super().release()
        self.is_class = self.counted = self.weight = None


def class_cross_entropy(logits: Tensor, classes: Array, weight: Array, count: int) -> Tensor:
    """The cross-entropy of a map of classes: the sum over the pixels, each with its weight, divided by their number; in nats.

    Parameters
    ----------
    logits : Tensor (..., C)
        The first `count` channels are those of the classes.
    classes : array (..., 1)
        The number of the class of each pixel, from 0 to `count` - 1; where the weight is 0 it does not matter.
    weight : array (..., 1)
    count : int
    """
    is_class, weight = _arrays(logits, classes, weight, count)
    return ClassCrossEntropy(is_class, weight).apply(logits)


def class_dice_loss(logits: Tensor, classes: Array, counted: Array, images: Array, count: int) -> Tensor:
    """1 - soft Dice coefficient of a map of classes, the mean over the images, and in each over the classes that it shows.

    Parameters
    ----------
    logits : Tensor (N, ..., C)
        The first `count` channels are those of the classes. Each first index is one image.
    classes : array (N, ..., 1)
        The number of the class of each pixel.
    counted : array (N, ..., 1)
        1 where a pixel counts, 0 where it does not.
    images : array (N, 1, ..., 1)
        The weight of each image.
    count : int

    Notes
    -----
    1 is added to numerator and denominator, as in `dice_loss`. An image says nothing about a class that it does not show: the slope
    there would be so much steeper than where there is one that a rare class would never be learned.
    """
    is_class, counted = _arrays(logits, classes, counted, count)
    xp = array_module(logits.data)
    shown = ((is_class * counted).sum(axis=tuple(range(1, is_class.ndim - 1)), keepdims=True) > 0).astype(logits.dtype)
    weight = xp.asarray(images).astype(logits.dtype) * shown / xp.maximum(shown.sum(axis=-1, keepdims=True), 1)
    return ClassDiceLoss(is_class, counted, weight / logits.dtype.type(len(shown))).apply(logits)


def _arrays(logits: Tensor, classes: Array, values: Array, count: int) -> tuple[Any, Any]:
    """Which channel is that of the class, (..., count) bool, and the values in the dtype of the logits."""
    xp = array_module(logits.data)
    shape = (*logits.shape[:-1], 1)
    if classes.shape != shape or values.shape != shape or logits.shape[-1] < count:
        raise ValueError(
            f"logits {logits.shape} of {count} classes need classes and weights of shape {shape}, not {classes.shape} and "
            f"{values.shape}"
        )
    return xp.asarray(classes) == xp.arange(count), xp.asarray(values).astype(logits.dtype)


def _padded(grad: Array, shape: tuple[int, ...]) -> Array:
    """A gradient of the first channels as one of all: the others are 0."""
    if grad.shape == shape:
        return grad
    whole = array_module(grad).zeros(shape, grad.dtype)
    whole[..., : grad.shape[-1]] = grad
    return whole
