"""The losses of training by name: functions of logits and target that return a scalar Tensor.

Each is a mean over the images of a batch; an average over batches weights them with their sizes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minunet.autograd.tensor import Tensor
from minunet.functional.loss import binary_cross_entropy_with_logits, dice_loss
from minunet.fused.step_plan import Loss
from minunet.kernels.backend import array_module

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
