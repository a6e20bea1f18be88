"""The memory that a training takes, known from shapes before it starts.

Operation by operation it is an estimate; fused steps on a GPU take what they are laid out for.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minunet.autograd.tensor import Tensor
from minunet.fused.fused_forward import MAX_GRAPHS
from minunet.fused.step_memory import forward_memory, step_memory
from minunet.fused.step_plan import Loss, StepPlan
from minunet.kernels.cpu import chain_memory
from minunet.kernels.cuda import devices
from minunet.kernels.dry_run import dry_run
from minunet.nn import recorded_pass
from minunet.nn.unet import UNet
from minunet.resources import release_freed_memory, total_memory
from minunet.runs.step_buffers import step_buffers
from minunet.summary.op_by_op import dry_run_parameters

RESIDENT = 130e6  # bytes of Python, NumPy and the packages of a command, where the system does not say
PICTURES = 30e6  # bytes of matplotlib and the pictures at the end; measured: 22 to 25 MB
RUNTIME = 25e6  # bytes of the buffers of BLAS, the stacks of threads, and code that runs for the first time
BATCHES_AHEAD = 5  # batches that are prepared or wait while one is trained on

BatchShape = tuple[int, int, int]


def training_memory(
    model: UNet,
    loss: Loss,
    plan: StepPlan,
    training: Sequence[BatchShape],
    validation: Sequence[BatchShape],
    *,
    held: float | None = None,
    enough: float | None = None,
    target_channels: int = 1,
) -> float:
    """Bytes at the peak of a training: of this process, its data read, on the CPU, and of device memory on a GPU.

    Fused, the bytes are exact: each shape of batch has a graph with memory of its own, for training and for validation.
    Otherwise they are an upper bound on the CPU, of the whole process as the system counts it, and an estimate on a GPU, for which
    the largest batch decides.

    Parameters
    ----------
    model : UNet
        Only the shapes of its parameters are read.
    loss : callable
        Takes logits and target.
    plan : StepPlan
    training, validation : sequence of (int, int, int)
        The different shapes (N, H, W) of the batches, most pixels first.
    held : float, optional
        Bytes that the process holds when its data has been read; by default those that it holds now.
    enough : float, optional
        Bytes, by default those of the machine: a peak above them need not be exact.
    target_channels : int
        Of the targets.
    """
    channels = model.config["in_channels"]
    if plan.fused:
        return _fused(model, plan, [(*shape, channels) for shape in training], validation)
    if plan.machine.device != "cpu":
        return unfused_step_memory(model, loss, (*training[0], channels), target_channels)
    if held is None:
        held = resident_memory() or RESIDENT  # before the dry run, which takes some memory itself
    if enough is None:
        enough = total_memory() or math.inf
    return held + _process_growth(model, loss, plan.machine.threads, training, validation, enough, target_channels)


def _process_growth(
    model: UNet,
    loss: Loss,
    threads: int,
    training: Sequence[BatchShape],
    validation: Sequence[BatchShape],
    enough: float,
    target_channels: int,
) -> float:
    """Bytes that a training on the CPU adds to its process, after the data was read."""
    channels = model.config["in_channels"]
    steps = [(*shape, channels) for shape in (*training[:2], training[0])]
    pool, scratch = step_buffers(model, loss, steps, validation, enough, target_channels)
    release_freed_memory()  # of the run on shapes: the training takes its arrays elsewhere
    weights = sum(parameter.data.nbytes for parameter in model.parameters())
    # Twice: a thread also has memory for the temporary arrays of recordings; and where addresses are not free, arenas grow.
    arenas = 2 * threads * scratch
    # Adam's two moments; and copies of these and of the weights while a state is saved, of which `forecast` has needed no more.
    copies = 5 * weights
    batch = 4 * math.prod(training[0]) * (channels + target_channels)
    # A recorded pass has the arrays of a step a second time.
    recorded = (
        min(chain_memory.MEMORY, pool) if math.prod(min(training, key=math.prod)) <= recorded_pass.MOST_PIXELS else 0
    )
    return pool + recorded + arenas + copies + BATCHES_AHEAD * batch + PICTURES + RUNTIME


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


def unfused_step_memory(model: UNet, loss: Loss, shape: tuple[int, ...], target_channels: int = 1) -> float:
    """Bytes of arrays that a training step on a batch (N, H, W, C) holds at its peak, operation by operation.

    Counted are activations, gradients, weights, Adam's two moments, and once more the largest result of an operation, for
    scratch space.
    """
    x = np.empty(shape, np.float32)
    with dry_run_parameters(model), dry_run() as run:
        loss(model(Tensor(x)), np.zeros((*shape[:3], target_channels), np.float32)).backward()
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


def highest_resident_memory() -> float | None:
    """Bytes that this process held at its peak, where the system says so (Linux)."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        return next((1024.0 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), None)
    except (OSError, ValueError, IndexError):
        return None


def peak_so_far() -> float | None:
    """Bytes of memory that this process held at its peak, where the system says so (not on Windows)."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else peak * 1024)  # macOS counts bytes, Linux kilobytes
