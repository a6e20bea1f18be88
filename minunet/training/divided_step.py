"""A training step on a batch that is divided into micro-batches, whose gradients are computed one by one, by one or several ranks.

The gradient is that of the whole batch: each micro-batch counts by its examples, and the sum is in a fixed order, so that the
number of ranks changes no bit of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from minunet.autograd.engine import backpropagate
from minunet.autograd.tensor import Tensor
from minunet.data.outputs import Outputs
from minunet.errors import UserError
from minunet.fused.fused_step import BatchArrays, StepResult
from minunet.fused.step_plan import Loss, StepPlan
from minunet.inference.metrics import ConfusionCounts, count_examples
from minunet.kernels.backend import array_module, to_device, to_numpy
from minunet.kernels.precision import use_precision
from minunet.nn.module import Module
from minunet.nn.optim import Optimizer
from minunet.ranks import Ranks
from minunet.training.gradient_sum import GradientSum
from minunet.training.gradient_transport import Transport
from minunet.training.micro_batches import MicroBatches
from minunet.training.shared_update import update_for


@dataclass(frozen=True)
class PartResult:
    """What was computed of one micro-batch.

    Attributes
    ----------
    loss : float
        The mean over its examples.
    examples : int
        Its images with a pixel that counts.
    overlap : ConfusionCounts
        Of prediction and target.
    """

    loss: float
    examples: int
    overlap: ConfusionCounts


@dataclass(frozen=True)
class DividedResult(StepResult):
    """The result of a step for the whole batch, on every rank.

    Attributes
    ----------
    examples : int
    overlap : ConfusionCounts
    """

    examples: int = 0
    overlap: ConfusionCounts = field(default_factory=ConfusionCounts)


class DividedStep:
    """Forward and backward passes of the own micro-batches, the sum of all gradients, clipping, and the optimizer.

    Parameters
    ----------
    model, optimizer, loss, plan, outputs
        As for `OrdinaryStep`.
    division : MicroBatches
    ranks : Ranks
    transport : Transport, optional
        Of the gradients; MPI unless given.

    Attributes
    ----------
    samples : int or None
        Of the next batch, all ranks together; None for those that are given.
    """

    prefetches = False

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        loss: Loss,
        plan: StepPlan,
        outputs: Outputs | None,
        division: MicroBatches,
        ranks: Ranks,
        transport: Transport | None = None,
    ):
        self.model, self.optimizer, self.loss, self.plan = model, optimizer, loss, plan
        self.outputs = Outputs() if outputs is None else outputs
        self.division, self.ranks = division, ranks
        self.samples: int | None = None
        self.gradients = GradientSum(optimizer.params, division, ranks, transport)
        self.update = update_for(optimizer, self.gradients, ranks)

    def __call__(
        self,
        images: np.ndarray,
        masks: np.ndarray,
        *,
        next_batch: BatchArrays | None = None,
        before_update: Callable[[], None] = lambda: None,
    ) -> DividedResult:
        """One step at the optimizer's learning rate, which every rank takes.

        Parameters
        ----------
        images, masks : ndarray (N, H, W, C) and (N, H, W, target_channels), float32
            The samples of this rank (`MicroBatches.samples`).
        next_batch : pair of ndarray, optional
            Not used.
        before_update : callable
            Called right before weights begin to change; not where a number is not finite.

        Raises
        ------
        MemoryError
            On every rank, if one has not enough memory.
        """
        samples = len(images) if self.samples is None else self.samples
        with use_precision(self.plan.machine.precision):
            self.optimizer.zero_grad()
            self.gradients.begin(samples)
            parts, problem = self._own_parts(images, masks, samples)
            try:
                gathered = self.ranks.gather(parts, problem)
            except (UserError, MemoryError):
                self.gradients.cancel()
                raise
            results = [part for of_rank in gathered for part in of_rank]
            value, examples = mean_loss(results), sum(part.examples for part in results)
            if not math.isfinite(value):
                self.gradients.cancel()
                return DividedResult(value, None, None)
            self.gradients.finish(max(1, examples))
            self.update.take_gradients()
            norm = None if self.plan.clip is None else self.update.clip(self.plan.clip)
            if norm is not None and not math.isfinite(norm):
                return DividedResult(value, norm, None)
            before_update()
            self.update.step()
        overlap = sum((part.overlap for part in results), ConfusionCounts())
        return DividedResult(value, norm, None, examples, overlap)

    def complete_state(self) -> None:
        """On all ranks: give each the whole state of the optimizer, which is needed to save it."""
        self.update.complete_state()

    def _own_parts(
        self, images: np.ndarray, masks: np.ndarray, samples: int
    ) -> tuple[list[PartResult], UserError | MemoryError | None]:
        """The results of the own micro-batches, whose gradients are on their way; or the problem that has ended them."""
        parts, problem = [], None
        try:
            for piece in self.division.pieces(samples):
                parts.append(self._part(images[piece], masks[piece]))
                if not math.isfinite(parts[-1].loss):
                    break
                self.gradients.end_part()
        except (UserError, MemoryError) as error:
            problem = error
        self.gradients.end()
        return parts, problem

    def _part(self, images: np.ndarray, masks: np.ndarray) -> PartResult:
        device = self.plan.machine.device
        logits = self.model(Tensor(to_device(images, device)))
        loss = self.loss(logits, to_device(masks, device))
        cells = self.outputs.cell_target(masks)
        examples = count_examples(cells)
        value = loss.item()
        overlap = ConfusionCounts.over_counted(to_numpy(self.outputs.cell_logits(logits.data) > 0), cells)
        del logits  # the backward pass then frees what it holds
        if examples and math.isfinite(value):
            assert loss.creator is not None
            weight = array_module(loss.data).full_like(loss.data, examples)
            backpropagate(loss.creator, weight, self.gradients.complete)
        return PartResult(value, examples, overlap)


def mean_loss(parts: list[PartResult]) -> float:
    """The loss of a batch, a mean over its examples."""
    total = sum(part.loss * part.examples if part.examples else part.loss for part in parts)
    return total / max(1, sum(part.examples for part in parts))
