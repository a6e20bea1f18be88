"""What a training will cost, said before it starts: seconds per epoch, and bytes of memory at the peak.

Time is measured on a throw-away model, which takes none of the real one's random numbers; memory is estimated from shapes.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minunet.autograd.engine import no_grad
from minunet.autograd.tensor import Tensor
from minunet.kernels.backend import synchronise, to_device
from minunet.kernels.dry_run import dry_run
from minunet.nn.optim import Adam
from minunet.nn.unet import UNet
from minunet.training.scoring import Source

PATIENCE = 5.0  # seconds; a first step that takes longer is not repeated to leave out what it spends on warming up
SCRATCH = 1.0  # space inside an operation, in units of its result
RESIDENT = 130e6  # bytes of Python, NumPy and the packages of a command


@dataclass(frozen=True)
class Forecast:
    """What one epoch costs.

    Attributes
    ----------
    step, validation, batch : float
        Seconds of a training step, of a forward pass over a batch, and of preparing one.
    memory : float
        Bytes at the peak, estimated.
    """

    step: float
    validation: float
    batch: float
    memory: float

    def epoch(self, training: Source, validation: Source) -> float:
        """Seconds of an epoch with that many batches."""
        return len(training) * (self.step + self.batch) + len(validation) * self.validation


def forecast(
    architecture: dict[str, Any],
    loss: Callable[[Tensor, Any], Tensor],
    training: Source,
    device: str = "cpu",
    clock: Callable[[], float] = time.perf_counter,
) -> Forecast:
    """Train a copy of the model for a step or two on the first batch, and add up the shapes it keeps.

    Parameters
    ----------
    architecture : dict
        Arguments of `UNet`.
    loss : callable
        Of logits and target.
    training : Source
        Its first batch is drawn once; batches depend on the seed and the epoch alone, so training will see the same.
    device : {"cpu", "cuda"}
    clock : callable
        Seconds.
    """
    started = clock()
    images, masks, _ = next(iter(training.epoch(0)))
    batch = clock() - started
    memory = peak_memory(architecture, images.shape, loss) + RESIDENT
    model = UNet(**architecture, rng=np.random.default_rng(0))
    model.to(device)
    optimizer = Adam(model.parameters(), lr=0.0)
    x, target = to_device(images, device), to_device(masks, device)

    def step() -> float:
        began = clock()
        optimizer.zero_grad()
        loss(model(Tensor(x)), target).backward()
        optimizer.step()
        synchronise(device)
        return clock() - began

    def look() -> float:
        began = clock()
        with no_grad():
            loss(model(Tensor(x)), target).item()
        return clock() - began

    seconds = step()
    if seconds < PATIENCE:
        seconds = step()
    return Forecast(step=seconds, validation=look(), batch=batch, memory=memory)


def peak_memory(architecture: dict[str, Any], shape: tuple[int, ...], loss: Callable[[Tensor, Any], Tensor]) -> float:
    """Bytes that a training step holds at its peak, estimated from a run over shapes alone.

    Counted are activations, gradients, weights and Adam's two moments; the scratch space inside an operation is taken to
    be as large as its largest result.

    Parameters
    ----------
    architecture : dict
        Arguments of `UNet`.
    shape : (int, int, int, int)
        Of a batch (N, H, W, C).
    loss : callable
        Of logits and target.
    """
    model = UNet(**architecture)
    x = np.empty(shape, np.float32)
    with dry_run() as run:
        loss(model(Tensor(x)), np.empty((*shape[:3], 1), np.float32)).backward()
    weights = sum(parameter.data.nbytes for parameter in model.parameters())
    return run.peak + SCRATCH * max(np.prod(call.shape) for call in run.calls) * x.itemsize + 3 * weights


def available_memory() -> float | None:
    """Bytes that a new process may take without swapping, where the system says so (Linux)."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(float(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError, IndexError):
        return None


def peak_so_far() -> float | None:
    """Bytes of memory that this process held at its peak, where the system says so (not on Windows)."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else peak * 1024)  # macOS counts bytes, Linux kilobytes
