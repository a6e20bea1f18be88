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
        treated as by `without_ignored`.

    References
    ----------
    .. [1] Ronneberger, O., Fischer, P. and Brox, T. (2015). U-Net: Convolutional Networks for Biomedical Image Segmentation.
       MICCAI, LNCS 9351, 234-241, equation 1.
    """

    def loss(logits: Tensor, target: Any) -> Tensor:
        xp = array_module(target)
        values = xp.ascontiguousarray(xp.maximum(target[..., :2], 0))  # what each logit is to be
        # 2: the mean over both channels is to be the sum of the means. The weights of the seams would make cells that are
        # near to each other too large, so that only the logit that separates them has these.
        weight = xp.empty(logits.shape, logits.dtype)
        weight[..., 0], weight[..., 1] = 0 if name == "dice" else 2, 2 * target[..., 2]
        kept, images = xp.asarray(np.array([1, 0], logits.dtype)), None  # 1 for the logit of the cells
        if ignores:
            counted = (target[..., :1] >= 0).astype(logits.dtype)
            pixels = counted.sum(axis=(1, 2, 3), keepdims=True)  # (N, 1, 1, 1)
            images = len(target) / xp.maximum((pixels > 0).sum(), 1)
            weight = weight * (counted * (counted[0].size / xp.maximum(pixels, 1)) * images)
            kept = kept * counted
            values = values * counted
        result = binary_cross_entropy_with_logits(logits, values, weight.astype(logits.dtype))
        if name != "bce":
            # A logit of -100 with a target of 0 is in no overlap: so the Dice loss is that of the cells alone.
            overlap = dice_loss(logits * kept + (kept - 1) * np.float32(-LOWEST), values * kept)
            result = result + (overlap if images is None else overlap * images.astype(logits.dtype))
        return result

    return loss


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
    """

    def loss(logits: Tensor, target: Any) -> Tensor:
        xp = array_module(target)
        counted = (target >= 0).astype(logits.dtype)
        pixels = counted.sum(axis=(1, 2, 3), keepdims=True)  # (N, 1, 1, 1)
        images = xp.maximum((pixels > 0).sum(), 1)
        # A logit of -100 is background beyond doubt: with a target of 0 its cross-entropy and its share in an overlap are 0.
        logits = logits * counted + (counted - 1) * np.float32(-LOWEST)
        target = xp.maximum(target, 0)
        parts = []
        if name != "dice":
            weight = counted * (counted[0].size / xp.maximum(pixels, 1)) * (len(target) / images)
            parts.append(binary_cross_entropy_with_logits(logits, target, weight.astype(logits.dtype)))
        if name != "bce":
            parts.append(dice_loss(logits, target) * (len(target) / images).astype(logits.dtype))
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]

    return loss
