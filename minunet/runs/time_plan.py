"""What a training will cost, said before it starts: seconds per epoch, and bytes of memory at the peak.

Time is measured on a throw-away model, which takes none of the real one's random numbers; memory is estimated from shapes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minunet.autograd.engine import no_grad
from minunet.autograd.tensor import Tensor
from minunet.inference.forward_pass import ForwardPass
from minunet.inference.scoring import BatchSource
from minunet.kernels.backend import synchronise, to_device
from minunet.nn.optim import Adam
from minunet.nn.unet import UNet
from minunet.runs.memory_plan import predicted_peak
from minunet.training.step import step_for

PATIENCE = 5.0  # seconds; a first step that takes longer is not repeated to leave out what it spends on warming up


@dataclass(frozen=True)
class Forecast:
    """What one epoch costs.

    Attributes
    ----------
    step, validation, batch : float
        Seconds of a training step, of a forward pass over a batch, and of preparing one.
    memory : float
        Bytes at the peak of a step; see `predicted_peak`.
    """

    step: float
    validation: float
    batch: float
    memory: float

    def epoch(self, training: BatchSource, validation: BatchSource) -> float:
        """Seconds of an epoch with that many batches."""
        return len(training) * (self.step + self.batch) + len(validation) * self.validation


def forecast(
    architecture: dict[str, Any],
    loss: Callable[[Tensor, Any], Tensor],
    training: BatchSource,
    device: str = "cpu",
    *,
    clip: float | None = None,
    precision: str = "fp32",
    clock: Callable[[], float] = time.perf_counter,
    recompute: bool = False,
) -> Forecast:
    """Train a copy of the model for a step or two on the first batch, and add up the shapes it keeps.

    Parameters
    ----------
    architecture : dict
        Arguments of `UNet`.
    loss : callable
        Of logits and target.
    training : BatchSource
        Its first batch is drawn once; batches depend on the seed and the epoch alone, so training will see the same.
    device, clip, precision
        As for `Trainer`.
    clock : callable
        Seconds.
    recompute : bool
        Whether blocks are computed again on the way back.
    """
    started = clock()
    images, masks, _ = next(iter(training.epoch(0)))
    batch = clock() - started
    memory = predicted_peak(
        architecture, images.shape, loss, device, precision=precision, clip=clip, recompute=recompute
    )
    model = UNet(**architecture, rng=np.random.default_rng(0))
    model.recompute = recompute
    model.to(device)
    optimizer = Adam(model.parameters(), lr=0.0)
    take = step_for(model, optimizer, loss, clip=clip, device=device, precision=precision)
    forward_pass = ForwardPass(model, precision)

    def step() -> None:
        take(images, masks)

    def look() -> None:
        with no_grad():
            loss(Tensor(forward_pass.logits(images)), to_device(masks, device)).item()

    def seconds(work: Callable[[], None]) -> float:
        began = clock()
        work()
        synchronise(device)
        return clock() - began

    times = {}
    for work in (step, look):
        times[work] = seconds(work)
        # A GPU's kernels are compiled at their first use, however long it takes.
        if device == "cuda" or (work is step and times[work] < PATIENCE):
            times[work] = seconds(work)
    return Forecast(step=times[step], validation=times[look], batch=batch, memory=memory)
