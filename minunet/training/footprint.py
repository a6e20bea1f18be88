"""The memory that training takes: estimated from shapes before it starts, and what the system says has been taken."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from minunet.autograd.tensor import Tensor
from minunet.kernels.dry_run import dry_run
from minunet.nn.unet import UNet

# Measured on two cores, as the difference between the peak of a step and the estimate from its shapes; five U-Nets of base 8 to 32.
WORKSPACE = 45e6  # bytes of scratch space of the kernels, and of the threads' stacks and buffers
RESIDENT = 130e6  # bytes of Python, NumPy and a command's packages, where the system does not tell


def predicted_peak(
    architecture: dict[str, Any],
    shape: tuple[int, ...],
    loss: Callable[[Tensor, Any], Tensor],
    device: str = "cpu",
    recompute: bool = False,
) -> float:
    """Bytes that this process, its data read, will hold at the peak of a training step; on a GPU, bytes there.

    Parameters
    ----------
    architecture : dict
        Arguments of `UNet`.
    shape : (int, int, int, int)
        Of a batch (N, H, W, C).
    loss : callable
        Of logits and target.
    device : {"cpu", "cuda"}
    recompute : bool
        Whether blocks are computed again on the way back.
    """
    step = peak_memory(architecture, shape, loss, recompute)
    return step + WORKSPACE + (resident_memory() or RESIDENT) if device == "cpu" else step


def peak_memory(
    architecture: dict[str, Any],
    shape: tuple[int, ...],
    loss: Callable[[Tensor, Any], Tensor],
    recompute: bool = False,
) -> float:
    """Bytes of arrays that a training step holds at its peak, from a run over shapes alone.

    Counted are activations, gradients, weights, Adam's two moments, and once more the largest result of an operation: its
    scratch space.

    Parameters
    ----------
    architecture, shape, loss, recompute
        As in `predicted_peak`.
    """
    model = UNet(**architecture)
    model.recompute = recompute
    x = np.empty(shape, np.float32)
    with dry_run() as run:
        loss(model(Tensor(x)), np.empty((*shape[:3], 1), np.float32)).backward()
    weights = sum(parameter.data.nbytes for parameter in model.parameters())
    scratch = max(np.prod(call.shape, dtype=np.int64) for call in run.calls) * x.itemsize
    return float(run.peak + scratch + 3 * weights)


def resident_memory() -> float | None:
    """Bytes that this process holds now, where the system says so (Linux)."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return float(pages * os.sysconf("SC_PAGE_SIZE"))
    except (OSError, ValueError, IndexError, AttributeError):
        return None


def available_memory() -> float | None:
    """Bytes that may still be taken without swapping, where the system says so (Linux)."""
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
