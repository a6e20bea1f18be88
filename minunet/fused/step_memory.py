"""The device memory of a captured training step, known before there is any: the step is laid out on a device without memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minunet.fused.graphs import SLOTS
from minunet.fused.unet_forward import UNetForward
from minunet.fused.unet_layers import layers_of
from minunet.fused.unet_step import UNetStep
from minunet.kernels.cuda.launcher import Launcher
from minunet.kernels.cuda.meta_launcher import MetaLauncher


@dataclass(frozen=True)
class StepMemory:
    """Bytes of device memory.

    Attributes
    ----------
    arena : int
        Activations, gradients, working weights and scratch space, in one block.
    weights : int
        The parameters and both of Adam's moments, float32.
    batches : int
        Images and masks on their way to the step, `captured.SLOTS` times.
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
        """What `StepGraph` takes for this step."""
        weights = 3 * sum(p.nbytes for p in step.params)
        return cls(step.arena.nbytes, weights, SLOTS * (step.images.nbytes + step.targets.nbytes))


def unallocated_parameters(config: Mapping[str, Any], device: MetaLauncher) -> list[np.ndarray]:
    """The parameters of a U-Net with these settings, as shapes in their order."""
    return [device.empty(s, np.float32) for layer in layers_of(config).all() for s in (layer.shape, (layer.outs,))]


def planned(
    config: Mapping[str, Any],
    shape: tuple[int, int, int, int],
    device: Launcher,
    *,
    precision: str = "bf16",
    clip: float | None = None,
) -> StepMemory:
    """The memory that a step will take on a device; nothing is taken there.

    Parameters
    ----------
    config, shape, precision, clip
        As for `UNetStep`.
    device : Launcher
        Its kernels decide on the scratch space.

    Raises
    ------
    ValueError
        Where there is no such step.
    """
    nowhere = MetaLauncher.like(device)
    params = unallocated_parameters(config, nowhere)
    return StepMemory.of(UNetStep(config, params, params, params, shape, nowhere, precision=precision, clip=clip))


def planned_pass(
    config: Mapping[str, Any], shape: tuple[int, int, int, int], device: Launcher, *, precision: str = "bf16"
) -> int:
    """Bytes of the arena that a captured forward pass will take on a device, beside the parameters; see `planned`."""
    nowhere = MetaLauncher.like(device)
    return UNetForward(
        config, unallocated_parameters(config, nowhere), shape, nowhere, precision=precision
    ).arena.nbytes
