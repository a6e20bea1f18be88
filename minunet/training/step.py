"""A training step on one batch: operation by operation on any device, in micro-batches, or as one CUDA graph on a GPU."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from minunet.autograd.tensor import Tensor
from minunet.data.outputs import Outputs
from minunet.fused.fused_step import BatchArrays, FusedStep, StepResult
from minunet.fused.step_plan import Loss, StepPlan
from minunet.kernels.backend import to_device, to_numpy
from minunet.kernels.precision import use_precision
from minunet.nn.module import Module
from minunet.nn.optim import Adam, Optimizer
from minunet.nn.unet import UNet
from minunet.ranks import Ranks
from minunet.training.clipping import clip_gradients
from minunet.training.divided_step import DividedStep
from minunet.training.micro_batches import MicroBatches


class OrdinaryStep:
    """Forward, loss, backward, clipping and the optimizer, one operation after the other.

    Parameters
    ----------
    model : Module
        With its parameters on the device of the plan.
    optimizer : Optimizer
    loss : callable
        Takes logits and target; returns a scalar Tensor.
    plan : StepPlan
    outputs : Outputs, optional
        Of the model; one logit, cell or not, unless given.
    """

    prefetches = False

    def __init__(self, model: Module, optimizer: Optimizer, loss: Loss, plan: StepPlan, outputs: Outputs | None = None):
        self.model, self.optimizer, self.loss, self.plan = model, optimizer, loss, plan
        self.outputs = Outputs() if outputs is None else outputs

    def __call__(
        self,
        images: np.ndarray,
        masks: np.ndarray,
        *,
        next_batch: BatchArrays | None = None,
        before_update: Callable[[], None] = lambda: None,
    ) -> StepResult:
        """One step at the optimizer's learning rate.

        Parameters
        ----------
        images, masks : ndarray (N, H, W, C) and (N, H, W, target_channels), float32
        next_batch : pair of ndarray, optional
            Not used; for a step that `prefetches`.
        before_update : callable
            Called right before weights begin to change; not where a number is not finite.
        """
        device, clip = self.plan.machine.device, self.plan.clip
        with use_precision(self.plan.machine.precision):
            self.optimizer.zero_grad()
            logits = self.model(Tensor(to_device(images, device)))
            loss = self.loss(logits, to_device(masks, device))
            value = loss.item()
            if not math.isfinite(value):
                return StepResult(value, None, None)
            loss.backward()
            norm = None if clip is None else clip_gradients(self.optimizer.params, clip)
            if norm is not None and not math.isfinite(norm):
                return StepResult(value, norm, None)
            predicted = to_numpy(self.outputs.cell_logits(logits.data) > 0)
            before_update()
            self.optimizer.step()
        return StepResult(value, norm, predicted)


def make_step(
    model: Module,
    optimizer: Optimizer,
    loss: Loss,
    plan: StepPlan,
    outputs: Outputs | None = None,
    *,
    micro_batch: int | None = None,
    ranks: Ranks | None = None,
) -> OrdinaryStep | FusedStep | DividedStep:
    """The step that a plan selects; batches of a size without a fused step use the ordinary one.

    With a number of samples `micro_batch`, batches are divided into micro-batches, which are shared out over the ranks.
    """
    if micro_batch is not None:
        ranks = Ranks() if ranks is None else ranks
        division = MicroBatches(micro_batch, ranks.rank, ranks.size)
        return DividedStep(model, optimizer, loss, plan, outputs, division, ranks)
    ordinary = OrdinaryStep(model, optimizer, loss, plan, outputs)
    if plan.fused and isinstance(model, UNet) and isinstance(optimizer, Adam):
        return FusedStep(model, optimizer, plan, loss, ordinary.outputs.cell_logits, otherwise=ordinary)
    return ordinary
