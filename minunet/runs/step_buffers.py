"""The buffers of training steps on the CPU: how large the memory pool and the scratch memory of a thread become.

The steps run on shapes only. Their arrays come from a memory pool with the rules of the real one, so that the gaps which it cannot
fill are counted, too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minunet.autograd.engine import no_grad
from minunet.autograd.tensor import Tensor
from minunet.fused.step_plan import Loss
from minunet.kernels.array_spec import ArraySpec
from minunet.kernels.cpu.memory_pool import MemoryPool
from minunet.kernels.cpu.winograd.scratch_size import backward_scratch
from minunet.kernels.dispatch import Primitive
from minunet.kernels.dry_run import DryRun, dry_run
from minunet.nn.unet import UNet
from minunet.summary.op_by_op import dry_run_parameters

LEAST_SCRATCH = 8 << 20  # bytes of a thread; what other algorithms than Winograd by tiles need at most
WORKSPACE_SHARE = 0.03  # of the pool, for what algorithms take from it besides their results; measured: 0 to 4 %
EXACT_VALUES = 1 << 24  # of the first block's output; a larger batch is looked at from smaller ones first
SMALL_VALUES = 1 << 22  # the same, of these smaller batches
_TILES = {"winograd-4x4": 4, "winograd-6x6": 6}


@dataclass
class _PooledRun(DryRun):
    """A dry run whose arrays come from a memory pool of its own; their pages are never touched.

    Attributes
    ----------
    pool : MemoryPool
    scratch : int
        The most bytes of scratch memory that a call takes in one thread.
    """

    pool: MemoryPool = field(default_factory=MemoryPool)
    scratch: int = LEAST_SCRATCH

    def answer(self, primitive: Primitive, args: tuple[Any, ...]) -> Any:
        """Arrays from the pool, of the shapes and dtypes of the result."""
        result = self.unwritten(primitive.result_spec(*args))
        name = primitive.choose(*args).name
        if primitive.name == "conv2d_grads" and name in _TILES:
            self.scratch = max(self.scratch, backward_scratch(_TILES[name], args))
        return result

    def empty(self, spec: ArraySpec) -> np.ndarray:
        """An array from the pool."""
        return self.pool.empty(spec.shape, spec.dtype)


def step_buffers(
    model: UNet,
    loss: Loss,
    training: Sequence[tuple[int, ...]],
    validation: Sequence[tuple[int, int, int]],
    enough: float = math.inf,
    target_channels: int = 1,
) -> tuple[float, int]:
    """Bytes of the memory pool after some steps, and of the scratch memory of one thread.

    Between its primitives a step writes to some arrays, so that a dry run takes up to an eighth of the memory of the real step.
    Where that could be too much, smaller batches say how much a large one needs.

    Parameters
    ----------
    model : UNet
        Left as it is.
    loss : callable
        Of logits and target.
    training : sequence of (N, H, W, C)
        The batches of the steps, the largest first.
    validation : sequence of (N, H, W)
        Batches of which the logits are computed, without gradients.
    enough : float
        Bytes of memory. Where more than that is needed it is not of interest how much more: an extrapolation will do.
    target_channels : int
        Of the targets.
    """
    if math.prod(training[0][:3]) * model.config["base_channels"] > EXACT_VALUES:
        pool, scratch = _extrapolated(model, loss, training[0], target_channels)
        if pool > enough:
            return pool, scratch
    return _dry_run_buffers(model, loss, training, validation, target_channels)


def _extrapolated(model: UNet, loss: Loss, shape: tuple[int, ...], target_channels: int) -> tuple[float, int]:
    """The buffers of a large batch, from those of one small image and of two: they grow with the number of pixels."""
    n, height, width, channels = shape
    multiple = 2 ** model.config["depth"]
    side = math.isqrt(SMALL_VALUES // model.config["base_channels"])
    side = max(multiple, side // multiple * multiple)
    h, w = min(height, side), min(width, side)
    (one, _), (two, scratch) = (
        _dry_run_buffers(model, loss, [(k, h, w, channels)] * 3, [(k, h, w)], target_channels) for k in (1, 2)
    )
    return one + (two - one) * (n * height * width / (h * w) - 1), scratch


def _dry_run_buffers(
    model: UNet,
    loss: Loss,
    training: Sequence[tuple[int, ...]],
    validation: Sequence[tuple[int, int, int]],
    target_channels: int,
) -> tuple[float, int]:
    channels = model.config["in_channels"]
    with dry_run_parameters(model), dry_run(_PooledRun()) as run:
        for shape in training:
            for parameter in model.parameters():
                parameter.grad = None
            loss(
                model(Tensor(np.zeros(shape, np.float32))), np.zeros((*shape[:3], target_channels), np.float32)
            ).backward()
        with no_grad():
            for batch in validation[:2]:
                loss(
                    model(Tensor(np.zeros((*batch, channels), np.float32))),
                    np.zeros((*batch, target_channels), np.float32),
                )
    assert isinstance(run, _PooledRun)
    return run.pool.reserved * (1 + WORKSPACE_SHARE), run.scratch
