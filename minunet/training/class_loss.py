"""The loss of a network with classes: cross-entropy and Dice of a softmax in place of those of a sigmoid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minunet.autograd.tensor import Tensor
from minunet.data.outputs import Outputs
from minunet.functional.loss import binary_cross_entropy_with_logits
from minunet.functional.softmax_loss import class_cross_entropy, class_dice_loss
from minunet.fused.step_plan import Loss
from minunet.fused.weighted_loss import WeightedCrossEntropy
from minunet.kernels.backend import array_module


def with_classes(name: str, outputs: Outputs, class_weights: Sequence[float] = ()) -> Loss:
    """The loss of that name for a network with classes, and perhaps an output that separates cells.

    Parameters
    ----------
    name : str
        One of `minunet.training.loss.LOSSES`: "bce" is the cross-entropy of the softmax, "dice" the mean Dice loss of the classes
        that an image shows, "bce+dice" their sum.
    outputs : Outputs
    class_weights : sequence of float, optional
        The weight of the pixels of each class in the cross-entropy (see `balanced_weights`); 1 for all unless given.

    Returns
    -------
    callable
        Called with logits (N, H, W, channels) and targets (N, H, W, target_channels), whose first channel holds the index of the
        class, or -1 where a pixel is ignored. It gives the mean over the images of the loss of their counted pixels; images without
        any are left out, and the loss of a batch without any counted pixel is 0. Where cells are separated, each pixel has its
        weight in the cross-entropy, and the cross-entropy of the separation is added. "bce" is a `WeightedCrossEntropy`.
    """
    count = len(outputs.classes)

    def shares(target: Any, dtype: Any) -> tuple[Any, Any]:
        """1 where a pixel counts, else 0; and of all images the part of each, which is 0 without a counted pixel."""
        counted = (target[..., :1] >= 0).astype(dtype)
        present = (counted.sum(axis=(1, 2, 3), keepdims=True) > 0).astype(dtype)
        return counted, present * (len(target) / array_module(target).maximum(present.sum(), 1)).astype(dtype)

    def weights(target: Any, counted: Any, images: Any) -> tuple[Any, Any]:
        """Of each pixel in the cross-entropy of the classes, and in that of the separation."""
        xp = array_module(target)
        pixels = counted.sum(axis=(1, 2, 3), keepdims=True)  # (N, 1, 1, 1)
        # Of the mean over all pixels of the batch: each image has the same part, whatever is ignored of it.
        weight = counted * (images * (counted[0].size / xp.maximum(pixels, 1)).astype(counted.dtype))
        whole = weight
        if class_weights:
            of_class = xp.asarray(np.array(class_weights, counted.dtype))
            weight = weight * of_class[xp.maximum(target[..., :1], 0).astype(np.int64)]
        if outputs.separation is not None:
            weight, whole = weight * target[..., 2:], whole * target[..., 2:]
        return weight, whole

    def terms(target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The values of each pixel, its class and what separates cells, and their weights."""
        values = np.maximum(target[..., : 1 if outputs.separation is None else 2], 0)
        return values, np.concatenate(weights(target, *shares(target, target.dtype)), axis=-1)[..., : values.shape[-1]]

    def loss(logits: Tensor, target: Any) -> Tensor:
        classes = target[..., :1]
        counted, images = shares(target, logits.dtype)
        weight, whole = weights(target, counted, images)
        parts = []
        if name != "dice":
            parts.append(class_cross_entropy(logits, classes, weight, count))
        if name != "bce":
            parts.append(class_dice_loss(logits, classes, counted, images, count))
        if outputs.separation is not None:
            parts.append(_separation_loss(logits, target[..., 1:2], whole))
        return sum(parts[1:], parts[0])

    return WeightedCrossEntropy(loss, terms, count) if name == "bce" else loss


def balanced_weights(shares: Sequence[float]) -> tuple[float, ...]:
    """The weights of classes with these shares of the pixels: in proportion to 1 / sqrt(share), with a mean of 1 over the pixels.

    So a rare class counts, such as platelets with a few pixels in a thousand. Weights in proportion to 1 / share (median frequency
    balancing: Eigen and Fergus 2015, "Predicting depth, surface normals and semantic labels") would give each class the same, and
    make the borders of rare classes too wide; their square root is between that and no weights. A class without a pixel has the
    weight of the rarest one.

    Examples
    --------
    >>> [round(weight, 3) for weight in balanced_weights([0.64, 0.32, 0.04])]
    [0.798, 1.129, 3.193]
    """
    known = [share for share in shares if share > 0]
    if not known:
        return (1.0,) * len(shares)
    roots = [max(share, min(known)) ** -0.5 for share in shares]
    mean = sum(share * root for share, root in zip(shares, roots, strict=True))
    return tuple(root / mean for root in roots)


def _separation_loss(logits: Tensor, target: Any, weight: Any) -> Tensor:
    """The cross-entropy of the last logit: of all logits, of which the others have no weight."""
    xp = array_module(target)
    channels = logits.shape[-1]
    is_last = xp.asarray((np.arange(channels) == channels - 1).astype(logits.dtype))
    return binary_cross_entropy_with_logits(logits, xp.maximum(target, 0) * is_last, weight * is_last * channels)
