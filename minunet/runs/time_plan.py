"""The time that a training takes, estimated before it starts from one step and one forward pass on a copy of the model."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass

from minunet.autograd.engine import no_grad
from minunet.autograd.tensor import Tensor
from minunet.fused.step_plan import Loss, StepPlan
from minunet.inference.forward_pass import ForwardPass
from minunet.inference.scoring import BatchSource
from minunet.kernels.backend import synchronise, to_device
from minunet.nn.optim import Adam
from minunet.nn.unet import UNet
from minunet.training.micro_batches import MicroBatches
from minunet.training.step import make_step

PATIENCE = 5.0  # seconds; a step that takes longer is timed only once, although the first one includes the warm-up


@dataclass(frozen=True)
class Forecast:
    """The estimated time of an epoch.

    Attributes
    ----------
    step, validation, batch : float
        Seconds of a training step, of a forward pass over a batch, and of preparing one.
    """

    step: float
    validation: float
    batch: float

    def epoch(self, training: BatchSource, validation: BatchSource) -> float:
        """Seconds of an epoch with that many batches."""
        return len(training) * (self.step + self.batch) + len(validation) * self.validation


def forecast(
    model: UNet,
    loss: Loss,
    training: BatchSource,
    plan: StepPlan,
    *,
    division: MicroBatches | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Forecast:
    """Train a copy of a model for a step or two on the first batch, with a learning rate of 0.

    Parameters
    ----------
    model : UNet
        On the machine of the plan; it is left as it is.
    loss : callable
        Takes logits and target.
    training : BatchSource
        Its first batch is drawn once; batches depend only on the seed and the epoch, so training will see the same one.
    plan : StepPlan
    division : MicroBatches, optional
        Of the batches, and over which ranks; those of this process are timed, and what they send to each other is not.
    clock : callable
        Returns the time in seconds.
    """
    started = clock()
    images, masks, _ = next(iter(training.epoch(0)))
    batch = clock() - started
    device = plan.machine.device
    model = copy.deepcopy(model)
    train = make_step(model, Adam(model.parameters(), lr=0.0), loss, plan)
    steps, ranks, count = 1, 1, len(images)
    if division is not None:
        steps, ranks, count = -(-division.parts(count) // division.ranks), division.ranks, division.size
    forward_pass = ForwardPass(model, plan.machine)

    def step() -> None:
        train(images[:count], masks[:count])

    def validate() -> None:
        with no_grad():
            loss(Tensor(forward_pass.logits(images)), to_device(masks, device)).item()

    def seconds(work: Callable[[], None]) -> float:
        began = clock()
        work()
        synchronise(device)
        return clock() - began

    times = {}
    for work in (step, validate):
        times[work] = seconds(work)
        # A GPU's kernels are compiled at their first use, however long it takes.
        if device == "cuda" or (work is step and times[work] < PATIENCE):
            times[work] = seconds(work)
    return Forecast(step=times[step] * steps, validation=times[validate] / ranks, batch=batch / ranks)
