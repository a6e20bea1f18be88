"""The device memory of the fused step and forward pass, computed in advance: both are laid out on a launcher without memory."""

from __future__ import annotations

from dataclasses import dataclass

from minunet.fused.graphs import STAGED_BATCHES
from minunet.fused.step_plan import StepPlan
from minunet.fused.unet_forward import UNetForward
from minunet.fused.unet_step import UNetStep
from minunet.kernels.cuda.launcher import Launcher
from minunet.kernels.cuda.meta_launcher import MetaLauncher
from minunet.kernels.machine import Machine
from minunet.nn.unet import UNet


@dataclass(frozen=True)
class StepMemory:
    """Bytes of device memory that a fused step takes.

    Attributes
    ----------
    arena : int
        Activations, gradients, copies of the weights and scratch space, in one block.
    weights : int
        The parameters and both of Adam's moments, float32.
    batches : int
        Images, targets and weights on their way to the step, `graphs.STAGED_BATCHES` of each.
    """

    arena: int
    weights: int
    batches: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.arena + self.weights + self.batches

    @classmethod
    def of(cls, step: UNetStep) -> StepMemory:
        """The memory of the `StepGraph` of this step."""
        weights = 3 * sum(p.nbytes for p in step.params)
        return cls(step.arena.nbytes, weights, STAGED_BATCHES * sum(buffer.nbytes for buffer in step.batch))


def step_memory(model: UNet, shape: tuple[int, ...], launcher: Launcher, plan: StepPlan) -> StepMemory:
    """The memory that a fused step will take; nothing is allocated.

    Parameters
    ----------
    model : UNet
        Only the shapes of its parameters are read.
    shape, plan
        As for `UNetStep`.
    launcher : Launcher
        Its kernels decide on the scratch space.

    Raises
    ------
    ValueError
        If there is no such step.
    """
    return StepMemory.of(UNetStep(model, None, shape, MetaLauncher.like(launcher), plan))


def forward_memory(model: UNet, shape: tuple[int, ...], launcher: Launcher, machine: Machine) -> int:
    """Bytes of the arena that a fused forward pass will take, in addition to the parameters; see `step_memory`."""
    return UNetForward(model, shape, MetaLauncher.like(launcher), machine).arena.nbytes
