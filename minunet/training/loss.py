"""What a training minimises: a function of logits and target that gives a scalar Tensor, chosen by name.

Each is a mean over the images of a batch, so batches of different sizes are averaged with their sizes as weights.
"""

from __future__ import annotations

from typing import Any

from minunet.autograd.tensor import Tensor
from minunet.functional.loss import binary_cross_entropy_with_logits, dice_loss
from minunet.fused.step_plan import Loss


def bce_and_dice(logits: Tensor, target: Any) -> Tensor:
    """Binary cross-entropy plus Dice loss: the first weighs every pixel alike, the second every image's overlap.

    The sum is that of Isensee et al. 2021, "nnU-Net: a self-configuring method for deep learning-based biomedical image
    segmentation", with both weights one.
    """
    return binary_cross_entropy_with_logits(logits, target) + dice_loss(logits, target)


LOSSES: dict[str, Loss] = {
    "bce": binary_cross_entropy_with_logits,
    "dice": dice_loss,
    "bce+dice": bce_and_dice,
}
