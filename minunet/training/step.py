"""A step of training: a batch in, new weights out; op by op on any device, or as one CUDA graph on a GPU."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minunet.autograd.tensor import Tensor
from minunet.functional.loss import binary_cross_entropy_with_logits
from minunet.fused.fused_step import Batch, FusedTraining, why_not_fused
from minunet.kernels.backend import to_device, to_numpy
from minunet.kernels.cuda.precision import use_precision
from minunet.training.clipping import clip_gradients

Loss = Callable[[Tensor, Any], Tensor]


@dataclass(frozen=True)
class StepResult:
    """What a step found; where a number in it is not finite, it updated nothing.

    Attributes
    ----------
    loss : float
        Before the update.
    norm : float or None
        The length of the gradient before it was clipped; None without clipping, and where the loss is not finite.
    predicted : ndarray or None
        Where the logits are above 0, (N, H, W, 1) bool; None where nothing was updated.
    """

    loss: float
    norm: float | None
    predicted: np.ndarray | None


class OrdinaryStep:
    """Forward, loss, backward, clipping and the optimizer, one operation after the other.

    Parameters
    ----------
    model : Module
    optimizer : Adam or SGD
    loss : callable
        Of logits and target; a scalar Tensor.
    clip : float, optional
        The longest gradient that is taken as it is; see `clipping`.
    device : {"cpu", "cuda"}
        Where the model's parameters are.
    precision : {"fp32", "tf32", "bf16"}
        Of the convolutions on a GPU; op by op, "bf16" computes in tf32 (see `use_precision`).
    """

    sends_ahead = False

    def __init__(
        self,
        model: Any,
        optimizer: Any,
        loss: Loss,
        *,
        clip: float | None = None,
        device: str = "cpu",
        precision: str = "fp32",
    ):
        self.model, self.optimizer, self.loss = model, optimizer, loss
        self.clip, self.device, self.precision = clip, device, precision

    def __call__(
        self,
        images: np.ndarray,
        masks: np.ndarray,
        *,
        following: Batch | None = None,
        updating: Callable[[], None] = lambda: None,
    ) -> StepResult:
        """One step at the optimizer's learning rate.

        Parameters
        ----------
        images, masks : ndarray (N, H, W, C) and (N, H, W, 1), float32
        following : pair of ndarray, optional
            The next step's batch, for a step that `sends_ahead`.
        updating : callable
            Called right before weights begin to change.
        """
        with use_precision(self.precision):
            self.optimizer.zero_grad()
            logits = self.model(Tensor(to_device(images, self.device)))
            loss = self.loss(logits, to_device(masks, self.device))
            value = loss.item()
            if not math.isfinite(value):
                return StepResult(value, None, None)
            loss.backward()
            norm = None if self.clip is None else clip_gradients(self.optimizer.params, self.clip)
            if norm is not None and not math.isfinite(norm):
                return StepResult(value, norm, None)
            predicted = to_numpy(logits.data > 0)
            updating()
            self.optimizer.step()
        return StepResult(value, norm, predicted)


class FusedStep:
    """The same as one captured CUDA graph per shape of batch; a batch that has none is taken op by op.

    Parameters
    ----------
    model : UNet
    optimizer : Adam
    clip
        As for `OrdinaryStep`.
    precision : {"tf32", "bf16"}
    """

    sends_ahead = True

    def __init__(self, model: Any, optimizer: Any, *, clip: float | None = None, precision: str = "bf16"):
        self.ordinary = OrdinaryStep(
            model, optimizer, binary_cross_entropy_with_logits, clip=clip, device="cuda", precision=precision
        )
        self.fused = FusedTraining(model, optimizer, precision, clip)

    def __call__(
        self,
        images: np.ndarray,
        masks: np.ndarray,
        *,
        following: Batch | None = None,
        updating: Callable[[], None] = lambda: None,
    ) -> StepResult:
        """See `OrdinaryStep`; `following` travels to the GPU while this step is at work."""
        if why_not_fused(self.fused.model, self.fused.optimizer, *images.shape[1:3]):
            self.fused.changed()
            return self.ordinary(images, masks, updating=updating)
        updating()
        found = self.fused.step(images, masks, following)
        if not math.isfinite(found.loss):
            return StepResult(found.loss, None, None)
        if found.norm is not None and not math.isfinite(found.norm):
            return StepResult(found.loss, found.norm, None)
        return StepResult(found.loss, found.norm, to_numpy(found.logits > 0))


def step_for(
    model: Any, optimizer: Any, loss: Loss, *, clip: float | None = None, device: str = "cpu", precision: str = "fp32"
) -> OrdinaryStep | FusedStep:
    """The fused step where there can be one, else the ordinary one; the arguments are those of `OrdinaryStep`."""
    if device == "cuda" and precision != "fp32" and loss is binary_cross_entropy_with_logits:
        return FusedStep(model, optimizer, clip=clip, precision=precision)
    return OrdinaryStep(model, optimizer, loss, clip=clip, device=device, precision=precision)


def why_op_by_op(model: Any, optimizer: Any, loss: Loss, height: int, width: int) -> str | None:
    """None where images of this size have a fused step, else the reason as a sentence."""
    if loss is not binary_cross_entropy_with_logits:
        return "the fused step minimises binary cross-entropy alone"
    return why_not_fused(model, optimizer, height, width)
