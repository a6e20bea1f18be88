"""The losses of training by name: functions of logits and target that return a scalar Tensor.

Each is a mean over the images of a batch; an average over batches weights them with their sizes. `make_loss` gives
the one that fits the outputs of a network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minunet.autograd.tensor import Tensor
from minunet.data.outputs import Outputs
from minunet.functional.loss import binary_cross_entropy_with_logits, dice_loss
from minunet.fused.step_plan import Loss
from minunet.fused.weighted_loss import WeightedCrossEntropy
from minunet.kernels.backend import array_module
from minunet.training.class_loss import with_classes

LOWEST = -100.0  # a logit whose probability is 0 in float32


def bce_and_dice(logits: Tensor, target: Any) -> Tensor:
    """Binary cross-entropy plus Dice loss: the first gives each pixel the same weight, the second each image.

    The sum is that of Isensee et al. 2021, "nnU-Net: a self-configuring method for deep learning-based biomedical image
    segmentation", with both weights one.
    """
    return binary_cross_entropy_with_logits(logits, target) + dice_loss(logits, target)


LOSSES: dict[str, Loss] = {
    "bce": binary_cross_entropy_with_logits,
    "dice": dice_loss,
    "bce+dice": bce_and_dice,
}


def make_loss(
    name: str, outputs: Outputs | None = None, *, ignores: bool = False, class_weights: Sequence[float] = ()
) -> Loss:
    """The loss of that name for a network with these outputs.

    Parameters
    ----------
    name : str
        One of `LOSSES`.
    outputs : Outputs, optional
        One logit, cell or not, unless given.
    ignores : bool
        Whether some pixels of the targets are `IGNORED` (-1), and count in no loss.
    class_weights : sequence of float, optional
        Of the classes, as for `minunet.training.class_loss.with_classes`.

    Returns
    -------
    callable
        Called with logits (N, H, W, channels) and targets (N, H, W, target_channels); gives a scalar Tensor.
    """
    if outputs is not None and outputs.classes:
        return with_classes(name, outputs, class_weights)
    if outputs is not None and outputs.separation is not None:
        return with_separation(name, ignores=ignores)
    return without_ignored(name) if ignores else LOSSES[name]


def with_separation(name: str, *, ignores: bool = False) -> Loss:
    """The loss of a network that also learns what separates cells (see `minunet.data.target_maps.targets`).

    Parameters
    ----------
    name : str
        One of `LOSSES`, the loss of the cells.
    ignores : bool
        Whether some pixels are ignored.

    Returns
    -------
    callable
        Called with logits (N, H, W, 2) and targets (N, H, W, 3). It is the loss of that name of the first logit, plus the
        cross-entropy of the second logit, in which each pixel has its weight [1]_. Images and pixels that are ignored are
        treated as by `without_ignored`. "bce" is a `WeightedCrossEntropy`.

    References
    ----------
    .. [1] Ronneberger, O., Fischer, P. and Brox, T. (2015). U-Net: Convolutional Networks for Biomedical Image Segmentation.
       MICCAI, LNCS 9351, 234-241, equation 1.
    """

    def terms(target: Any, dtype: Any = np.float32) -> tuple[Any, Any]:
        """What each logit is to be, and its weight in the cross-entropy."""
        xp = array_module(target)
        values = xp.ascontiguousarray(xp.maximum(target[..., :2], 0))
        # 2: the mean over both channels is to be the sum of the means. The weights of the seams would make cells that are
        # near to each other too large, so that only the logit that separates them has these.
        weight = xp.empty(values.shape, dtype)
        weight[..., 0], weight[..., 1] = 0 if name == "dice" else 2, 2 * target[..., 2]
        if ignores:
            counted = _counted(target, dtype)
            values, weight = values * counted, weight * _weight_of_counted(counted)
        return values, weight.astype(dtype)

    def loss(logits: Tensor, target: Any) -> Tensor:
        values, weight = terms(target, logits.dtype)
        result = binary_cross_entropy_with_logits(logits, values, weight)
        if name != "bce":
            xp = array_module(target)
            kept = xp.asarray(np.array([1, 0], logits.dtype))  # 1 for the logit of the cells
            counted = _counted(target, logits.dtype) if ignores else None
            if counted is not None:
                kept = kept * counted
            # A logit of -100 with a target of 0 is in no overlap: so the Dice loss is that of the cells alone.
            overlap = dice_loss(logits * kept + (kept - 1) * np.float32(-LOWEST), values * kept)
            result = result + (overlap if counted is None else overlap * _share_of_images(counted).astype(logits.dtype))
        return result

    return WeightedCrossEntropy(loss, terms) if name == "bce" else loss


def without_ignored(name: str) -> Loss:
    """The loss of that name over the pixels that count, those whose target is not `IGNORED` (-1).

    Parameters
    ----------
    name : str
        One of `LOSSES`.

    Returns
    -------
    callable
        Called with logits and targets, both (N, H, W, 1). It gives the mean over the images of the loss of their counted pixels;
        images without any are left out, and the loss of a batch without any counted pixel is 0. Ignored pixels have no gradient.
        "bce" is a `WeightedCrossEntropy`.
    """

    def terms(target: Any, dtype: Any = np.float32) -> tuple[Any, Any]:
        """What each logit is to be, and its weight in the cross-entropy."""
        return array_module(target).maximum(target, 0), _weight_of_counted(_counted(target, dtype)).astype(dtype)

    def loss(logits: Tensor, target: Any) -> Tensor:
        counted = _counted(target, logits.dtype)
        # A logit of -100 is background beyond doubt: with a target of 0 its cross-entropy and its share in an overlap are 0.
        logits = logits * counted + (counted - 1) * np.float32(-LOWEST)
        values, weight = terms(target, logits.dtype)
        parts = []
        if name != "dice":
            parts.append(binary_cross_entropy_with_logits(logits, values, weight))
        if name != "bce":
            parts.append(dice_loss(logits, values) * _share_of_images(counted).astype(logits.dtype))
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]

    return WeightedCrossEntropy(loss, terms) if name == "bce" else loss


def _counted(target: Any, dtype: Any) -> Any:
    """1 where a pixel of targets (N, H, W, channels) counts, 0 where it is ignored: (N, H, W, 1)."""
    return (target[..., :1] >= 0).astype(dtype)


def _share_of_images(counted: Any) -> Any:
    """All images for each of those that have a counted pixel: by it the mean over all is the mean over these."""
    xp = array_module(counted)
    return len(counted) / xp.maximum((counted.sum(axis=(1, 2, 3)) > 0).sum(), 1)


def _weight_of_counted(counted: Any) -> Any:
    """The weights by which the mean over all pixels is the mean, over images with counted pixels, of that over these pixels."""
    pixels = counted.sum(axis=(1, 2, 3), keepdims=True)  # (N, 1, 1, 1)
    return counted * (counted[0].size / array_module(counted).maximum(pixels, 1)) * _share_of_images(counted)
