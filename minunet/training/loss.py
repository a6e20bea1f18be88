"""The losses of training by name: functions of logits and target that return a scalar Tensor.

Each is a mean over the images of a batch; an average over batches weights them with their sizes.
"""

from __future__ import annotations

from typing import Any

from minunet.autograd.tensor import Tensor
from minunet.functional.loss import binary_cross_entropy_with_logits, dice_loss
from minunet.fused.step_plan import Loss


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
