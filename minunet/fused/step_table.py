"""Which kernel each layer of the captured step takes, forward and back, and why: noted while the step is laid out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minunet.fused.step_memory import unallocated_parameters
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

FORWARD, AGAIN, INPUT_GRADIENT, WEIGHT_GRADIENT = "forward", "forward again", "input gradient", "weight gradient"


@dataclass(frozen=True)
class Product:
    """One of a layer's products.

    Attributes
    ----------
    layer : ConvLayer
    operation : str
        "forward", "forward again" on the way back where its result was not kept, "input gradient" or "weight gradient".
    shape : tuple of int
        Of the result.
    kernel : str
        The instructions, and what a block computes.
    why : str
        Why not the kernel of sm_90a, or what it promises.
    """

    layer: ConvLayer
    operation: str
    shape: tuple[int, ...]
    kernel: str
    why: str


class _Noting(UNetForward):
    """Notes each product, in the order of launches."""

    def __init__(self, *arguments: Any, **options: Any):
        self.products: list[Product] = []
        super().__init__(*arguments, **options)

    def _multiply(
        self, layer: ConvLayer, windows: Sequence[Window], sources: Buffers, outs: Buffers, **options: Any
    ) -> None:
        if "masks" in options:  # a ReLU's gradient goes into each input gradient, and into nothing else
            operation, channels = INPUT_GRADIENT, sum(out.shape[3] for out in outs)
        else:
            seen = any(product.layer is layer for product in self.products)
            operation, channels = AGAIN if seen else FORWARD, layer.outs
        asked = {name: options[name] for name in ("pooled", "round_to_tf32", "weight_transposed") if name in options}
        # The windows of an up-convolution, one for each tap, are of one size.
        kernel, why = _convolution(windows[0], sources, outs, asked)
        self.products.append(Product(layer, operation, (*outs[0].shape[:3], channels), kernel, why))
        super()._multiply(layer, windows, sources, outs, **options)


class RecordedForward(_Noting):
    """`UNetForward`, and under `products` what it launches."""


class RecordedStep(_Noting, UNetStep):
    """`UNetStep`, and under `products` what it launches."""

    def _weight_gradient(self, layer: ConvLayer, window: Window, sources: Buffers, grad: Buffer, shape: Any) -> None:
        kernel, why = _gradient(window, grad)
        self.products.append(Product(layer, WEIGHT_GRADIENT, layer.shape, kernel, why))
        super()._weight_gradient(layer, window, sources, grad, shape)


def noted(
    config: Mapping[str, Any],
    shape: tuple[int, int, int, int],
    device: Launcher,
    *,
    precision: str,
    training: bool,
    clip: float | None = None,
) -> RecordedForward | RecordedStep:
    """The pass over a batch of this shape, or the whole step, laid out for a device; nothing is taken or computed there.

    Parameters
    ----------
    config, shape, precision, clip
        As for `UNetStep`.
    device : Launcher
        Its kernels are chosen.
    training : bool
        Whether to lay out the step.

    Raises
    ------
    ValueError
        Where there is none.
    """
    nowhere = MetaLauncher.like(device)
    params = unallocated_parameters(config, nowhere)
    if training:
        return RecordedStep(config, params, params, params, shape, nowhere, precision=precision, clip=clip)
    return RecordedForward(config, params, shape, nowhere, precision=precision)


def _convolution(window: Window, sources: Buffers, outs: Buffers, asked: dict[str, Any]) -> tuple[str, str]:
    why = tensor_cores.why_not_hopper(window, sources, outs, **asked)
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
