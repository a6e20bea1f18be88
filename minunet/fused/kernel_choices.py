"""Which kernel computes each product of a fused step or forward pass, and why: recorded while it is laid out without memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from minunet.fused.step_plan import StepPlan
from minunet.fused.unet_forward import Buffers, UNetForward
from minunet.fused.unet_layers import ConvLayer
from minunet.fused.unet_step import UNetStep
from minunet.kernels.cuda import (
    ampere_convolution,
    ampere_tile,
    ampere_weight_gradient,
    hopper_convolution,
    tensor_cores,
)
from minunet.kernels.cuda.arena import Buffer
from minunet.kernels.cuda.launcher import Launcher
from minunet.kernels.cuda.meta_launcher import MetaLauncher
from minunet.kernels.cuda.window import Window
from minunet.kernels.machine import Machine
from minunet.nn.unet import UNet

FORWARD, AGAIN, INPUT_GRADIENT, WEIGHT_GRADIENT = "forward", "forward again", "input gradient", "weight gradient"


@dataclass(frozen=True)
class KernelChoice:
    """The kernel of one product of a layer.

    Attributes
    ----------
    layer : ConvLayer
    operation : str
        "forward", "forward again" in the backward pass where its result was not saved, "input gradient" or "weight gradient".
    shape : tuple of int
        Of the result.
    kernel : str
        The instructions, and what a block computes.
    why : str
        Why not the kernel of sm_90a, or how much faster it is estimated to be.
    """

    layer: ConvLayer
    operation: str
    shape: tuple[int, ...]
    kernel: str
    why: str


class _Recorded(UNetForward):
    """Records each product, in the order of launches."""

    def __init__(self, *arguments: Any):
        self.choices: list[KernelChoice] = []
        super().__init__(*arguments)

    def _multiply(
        self, layer: ConvLayer, windows: Sequence[Window], sources: Buffers, outs: Buffers, **options: Any
    ) -> None:
        if "masks" in options:  # a ReLU's gradient goes into each input gradient, and into nothing else
            operation, channels = INPUT_GRADIENT, sum(out.shape[3] for out in outs)
        else:
            seen = any(choice.layer is layer for choice in self.choices)
            operation, channels = AGAIN if seen else FORWARD, layer.outs
        relevant: dict[str, Any] = {
            name: options[name] for name in ("pooled", "round_to_tf32", "weight_transposed") if name in options
        }
        # The windows of an up-convolution, one for each tap, are of one size.
        kernel, why = _convolution(windows[0], sources, outs, relevant)
        self.choices.append(KernelChoice(layer, operation, (*outs[0].shape[:3], channels), kernel, why))
        super()._multiply(layer, windows, sources, outs, **options)


class RecordedForward(_Recorded):
    """`UNetForward` with the kernels that it launches in `choices`."""


class RecordedStep(_Recorded, UNetStep):
    """`UNetStep` with the kernels that it launches in `choices`."""

    def _weight_gradient(self, layer: ConvLayer, window: Window, sources: Buffers, grad: Buffer, shape: Any) -> None:
        kernel, why = _gradient(window, grad)
        self.choices.append(KernelChoice(layer, WEIGHT_GRADIENT, layer.shape, kernel, why))
        super()._weight_gradient(layer, window, sources, grad, shape)


def recorded_step(model: UNet, shape: tuple[int, ...], launcher: Launcher, plan: StepPlan) -> RecordedStep:
    """The step for a batch of this shape, laid out for a device; nothing is allocated or computed there.

    Parameters
    ----------
    model, shape, plan
        As for `UNetStep`; only the shapes of the model's parameters are read.
    launcher : Launcher
        Its kernels are chosen.

    Raises
    ------
    ValueError
        If there is no such step.
    """
    return RecordedStep(model, None, shape, MetaLauncher.like(launcher), plan)


def recorded_forward(model: UNet, shape: tuple[int, ...], launcher: Launcher, machine: Machine) -> RecordedForward:
    """The forward pass over a batch of this shape, laid out for a device; see `recorded_step`."""
    return RecordedForward(model, shape, MetaLauncher.like(launcher), machine)


def _convolution(window: Window, sources: Buffers, outs: Buffers, options: dict[str, Any]) -> tuple[str, str]:
    why = tensor_cores.why_not_hopper(window, sources, outs, **options)
    if why is None:
        tile = hopper_convolution.tile_for(window)
        block = f"{hopper_convolution.PANEL * tile.panels} channels x {tile.lines}x{hopper_convolution.SIDE} pixels"
        return f"sm_90a wgmma, {block}", _faster(*tensor_cores.estimates(window, sources[0]))
    columns = ampere_convolution.tile_for(window).columns
    return f"sm_80 mma.sync, {columns} channels x {ampere_tile.BM} pixels", why


def _gradient(window: Window, grad: Buffer) -> tuple[str, str]:
    why, shares = tensor_cores.why_not_hopper_gradient(window, grad), tensor_cores.num_splits(window, grad)
    shared = "all pixels" if shares == 1 else f"{shares} shares of the pixels"
    if why is None:
        why = _faster(*tensor_cores.gradient_estimates(window, grad))
        return f"sm_90a wgmma, {hopper_convolution.PANEL}x{hopper_convolution.PANEL} channels x 9 taps, {shared}", why
    return f"sm_80 mma.sync, {ampere_tile.BM}x{ampere_weight_gradient.tile_for(window).columns} weights, {shared}", why


def _faster(ours: float, theirs: float) -> str:
    return f"estimated {theirs / ours:.1f} times as fast as mma.sync"
