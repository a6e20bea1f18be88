"""The memory that training takes: told from shapes before it starts, and what the system says has been taken.

Op by op it is an estimate; that of fused steps on a GPU is their plan, which they keep to.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minunet.autograd.tensor import Tensor
from minunet.data.batches import Batches
from minunet.fused.fused_forward import SHAPES
from minunet.fused.step_memory import planned, planned_pass
from minunet.fused.unet_layers import whole_sides
from minunet.inference.machine import has_fused_step
from minunet.kernels.cuda import launcher
from minunet.kernels.dry_run import dry_run
from minunet.nn.unet import UNet
from minunet.runs.config import TrainConfig
from minunet.training.loss import LOSSES

# Measured on two cores, as the difference between the peak of a step and the estimate from its shapes; five U-Nets of base 8 to 32.
WORKSPACE = 45e6  # bytes of scratch space of the kernels, and of the threads' stacks and buffers
RESIDENT = 130e6  # bytes of Python, NumPy and a command's packages, where the system does not tell

Loss = Callable[[Tensor, Any], Tensor]
Shape = tuple[int, int, int, int]


def training_peak(config: TrainConfig, training: Batches, validation: Batches, device: str) -> tuple[float, bool]:
    """Bytes at the peak of a training, as `predicted_peak` counts them, and whether they are planned.

    Of fused steps and passes each has memory of its own for every shape of batch; op by op, the largest batch decides. The
    throw-away copy that `forecast` times before is not counted.

    Parameters
    ----------
    config : TrainConfig
        With a precision other than "auto".
    training, validation : Batches
    device : {"cpu", "cuda"}
    """
    channels, loss = 3 if config.channels == "rgb" else 1, LOSSES[config.loss]
    steps, passes = ([(*shape, channels) for shape in side.shapes()] for side in (training, validation))
    if not _is_planned(config.architecture(), steps[0], loss, device, config.precision):
        return predicted_peak(config.architecture(), steps[0], loss, device, recompute=config.recompute), False
    return _planned(config.architecture(), steps, passes, config.precision, config.clip or None), True


def predicted_peak(
    architecture: dict[str, Any],
    shape: Shape,
    loss: Loss,
    device: str = "cpu",
    *,
    precision: str = "fp32",
    clip: float | None = None,
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
    precision, clip
        As for `Trainer`.
    recompute : bool
        Whether blocks are computed again on the way back; a planned step has its own way with that.
    """
    if device == "cuda":
        config = UNet(**architecture).config
        if _is_planned(config, shape, loss, device, precision):
            return _planned(config, [shape], [], precision, clip)
    step = peak_memory(architecture, shape, loss, recompute)
    return step + WORKSPACE + (resident_memory() or RESIDENT) if device == "cpu" else step


def _is_planned(config: dict[str, Any], shape: Shape, loss: Loss, device: str, precision: str) -> bool:
    return device == "cuda" and precision != "fp32" and has_fused_step(config, loss, *shape[1:3])


def _planned(
    config: dict[str, Any], steps: Sequence[Shape], passes: Sequence[Shape], precision: str, clip: float | None
) -> float:
    """Weights and moments once, and the arenas and batches under way of every captured step and pass that is kept."""
    gpu = launcher.gpu()
    plans = [planned(config, shape, gpu, precision=precision, clip=clip) for shape in steps]
    arenas = [
        planned_pass(config, (n, *whole_sides(config, height, width), channels), gpu, precision=precision)
        for n, height, width, channels in passes
    ]
    return float(plans[0].weights + sum(plan.arena + plan.batches for plan in plans) + sum(sorted(arenas)[-SHAPES:]))


def peak_memory(architecture: dict[str, Any], shape: Shape, loss: Loss, recompute: bool = False) -> float:
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


def peak_so_far() -> float | None:
    """Bytes of memory that this process held at its peak, where the system says so (not on Windows)."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else peak * 1024)  # macOS counts bytes, Linux kilobytes
