"""The memory that a training takes, known from shapes before it starts.

Operation by operation it is an estimate; fused steps on a GPU take what they are laid out for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minunet.autograd.tensor import Tensor
from minunet.fused.fused_forward import MAX_GRAPHS
from minunet.fused.step_memory import forward_memory, step_memory
from minunet.fused.step_plan import Loss, StepPlan
from minunet.kernels.cuda import devices
from minunet.kernels.dry_run import dry_run
from minunet.nn.unet import UNet
from minunet.summary.op_by_op import dry_run_parameters

# Measured on two cores with five U-Nets of base 8 to 32: the difference between the peak of a step and the estimate from shapes.
WORKSPACE = 45e6  # bytes of scratch space of the kernels, and of the threads' stacks and buffers
RESIDENT = 130e6  # bytes of Python, NumPy and the packages of a command, where the system does not say

BatchShape = tuple[int, int, int]


def training_memory(
    model: UNet, loss: Loss, plan: StepPlan, training: Sequence[BatchShape], validation: Sequence[BatchShape]
) -> float:
    """Bytes at the peak of a training: of this process, its data read, on the CPU, and of device memory on a GPU.

    Fused, the bytes are exact: each shape of batch has a graph with memory of its own, for training and for validation.
    Otherwise they are an estimate, and the largest batch decides. The copy of the model that `forecast` times is not counted.

    Parameters
    ----------
    model : UNet
        Only the shapes of its parameters are read.
    loss : callable
        Takes logits and target.
    plan : StepPlan
    training, validation : sequence of (int, int, int)
        The different shapes (N, H, W) of the batches, most pixels first.
    """
    channels = model.config["in_channels"]
    if plan.fused:
        return _fused(model, plan, [(*shape, channels) for shape in training], validation)
    step = unfused_step_memory(model, loss, (*training[0], channels))
    return step + WORKSPACE + (resident_memory() or RESIDENT) if plan.machine.device == "cpu" else step


def _fused(model: UNet, plan: StepPlan, steps: Sequence[tuple[int, ...]], validation: Sequence[BatchShape]) -> float:
    """Weights and moments once; for each graph its arena, and for those of the step the batches on their way."""
    gpu, channels = devices.gpu(), model.config["in_channels"]
    memories = [step_memory(model, shape, gpu, plan) for shape in steps]
    arenas = [
        forward_memory(model, (n, *model.padded_size(height, width), channels), gpu, plan.machine)
        for n, height, width in validation
    ]
    graphs = sum(memory.arena + memory.batches for memory in memories) + sum(sorted(arenas)[-MAX_GRAPHS:])
    return float(memories[0].weights + graphs)


def unfused_step_memory(model: UNet, loss: Loss, shape: tuple[int, ...]) -> float:
    """Bytes of arrays that a training step on a batch (N, H, W, C) holds at its peak, operation by operation.

    Counted are activations, gradients, weights, Adam's two moments, and once more the largest result of an operation, for
    scratch space.
    """
    x = np.empty(shape, np.float32)
    with dry_run_parameters(model), dry_run() as run:
        loss(model(Tensor(x)), np.zeros((*shape[:3], 1), np.float32)).backward()
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
