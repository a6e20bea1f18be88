"""Convolutions on tensor cores: the Hopper kernels where they are allowed and estimated to be faster, else those for sm_80.

The choice depends only on the shapes and the architecture, so that the same seed gives the same bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from minunet.kernels.backend import Array
from minunet.kernels.cuda import (
    ampere_convolution,
    ampere_weight_gradient,
    hopper_convolution,
    hopper_weight_gradient,
)
from minunet.kernels.cuda.ampere_convolution import MAX_SIDE
from minunet.kernels.cuda.devices import launcher_for
from minunet.kernels.cuda.window import Window

__all__ = ["MAX_SIDE", "convolve", "num_splits", "weight_gradient", "why_not_hopper", "why_not_hopper_gradient"]

# Multiplications per nanosecond, those with padding zeros included; round figures of an H100. Only their order decides.
HOPPER_RATES = {2: 270_000.0, 4: 130_000.0}
AMPERE_RATES = {2: 140_000.0, 4: 52_000.0}
HOPPER_GRADIENT_RATE, AMPERE_GRADIENT_RATE = 250_000.0, 110_000.0


def convolve(
    windows: Iterable[Window],
    sources: Sequence[Array],
    weight: Array,
    outs: Sequence[Array | None],
    *,
    bias: Array | None = None,
    relu: bool = False,
    masks: Sequence[Array | None] = (None, None),
    pooled: Array | None = None,
    argmax: Array | None = None,
    round_to_tf32: bool = False,
    inputs_are_tf32: bool = False,
    weight_transposed: Array | None = None,
) -> None:
    """Fill `outs`, one or two arrays (or None) joined along channels, window by window.

    Parameters
    ----------
    sources : one or two arrays
        Read as if they were joined along channels.
    weight : array
        Of the dtype of the sources. If the windows' k_stride is not 1, their taps must be all taps of the kernel or a single one.
    masks : two arrays or None
        Of the shapes of `outs`: a result is kept where its mask is positive, else it is 0. A mask may be the output itself.
    pooled, argmax : array, optional
        Also write 2x2 max pooling of the output, and the positions of the maxima (uint8). Height and width must be even.
    round_to_tf32 : bool
        For float32: round the results to tf32. This also allows the Hopper kernels, which need sources and weights that are
        already rounded to tf32.
    inputs_are_tf32 : bool
        For float32: the sources are rounded to tf32 already, so the kernel need not do it.
    weight_transposed : array, optional
        For float32: the weights with their last two axes exchanged, which the Hopper kernels need in the forward pass.
    """
    choice: dict[str, Any] = {"pooled": pooled, "round_to_tf32": round_to_tf32}
    epilogue: dict[str, Any] = {"bias": bias, "relu": relu, "masks": masks, "argmax": argmax, **choice}
    for window in windows:
        arguments = window, sources, weight, outs
        if why_not_hopper(window, sources, outs, weight_transposed=weight_transposed, **choice) is None:
            hopper_convolution.convolve(*arguments, weight_transposed=weight_transposed, **epilogue)
        else:
            ampere_convolution.convolve(*arguments, inputs_are_tf32=inputs_are_tf32, **epilogue)


def why_not_hopper(
    window: Window,
    sources: Sequence[Array],
    outs: Sequence[Array | None],
    *,
    pooled: Array | None = None,
    round_to_tf32: bool = False,
    weight_transposed: Array | None = None,
) -> str | None:
    """The reason why `convolve` does not use the Hopper kernel, or None if it does."""
    source = sources[0]
    problem = launcher_for(source).why_not_sm_90a() or hopper_convolution.why_not(
        window, source, weight_transposed, pooled, round_to_tf32=round_to_tf32
    )
    if problem is None and any(out is None for out in outs):
        return "wgmma kernels compute every output, and one is not needed here"
    if problem is None:
        needed = window.pixels * window.depth * window.out_channels
        products = hopper_convolution.products(window, source.dtype.itemsize)
        return _why_slower(*estimates(window, source), 1 - needed / max(products, 1))
    return problem


def why_not_hopper_gradient(window: Window, grad: Array) -> str | None:
    """The reason why `weight_gradient` does not use the Hopper kernel, or None if it does."""
    problem = launcher_for(grad).why_not_sm_90a() or hopper_weight_gradient.why_not(window, grad)
    if problem is None:
        needed = window.pixels * window.depth * window.out_channels0
        products = hopper_weight_gradient.products(window)
        return _why_slower(*gradient_estimates(window, grad), 1 - needed / max(products, 1))
    return problem


def estimates(window: Window, source: Array) -> tuple[float, float]:
    """Nanoseconds of a 3x3 window with the Hopper kernel, and with the kernel for sm_80."""
    itemsize = source.dtype.itemsize
    hopper = hopper_convolution.products(window, itemsize) / HOPPER_RATES[itemsize]
    return hopper, ampere_convolution.products(window, itemsize) / AMPERE_RATES[itemsize]


def gradient_estimates(window: Window, grad: Array) -> tuple[float, float]:
    """The same for the weight gradient."""
    ampere = ampere_weight_gradient.products(window) / AMPERE_GRADIENT_RATE
    return hopper_weight_gradient.products(window) / HOPPER_GRADIENT_RATE, ampere


def _why_slower(hopper: float, ampere: float, wasted: float) -> str | None:
    if hopper < ampere:
        return None
    return f"estimated to be slower with wgmma: {100 * wasted:.0f} % of its multiplications would be by padding zeros"


def num_splits(window: Window, grad: Array) -> int:
    """How many partial sums `weight_gradient` writes for this window and a gradient like this."""
    if why_not_hopper_gradient(window, grad) is None:
        return hopper_weight_gradient.num_splits(window)
    return ampere_weight_gradient.num_splits(window, grad.dtype.itemsize)


def weight_gradient(
    window: Window, sources: Sequence[Array], grad: Array, partial: Array, *, inputs_are_tf32: bool = False
) -> None:
    """Fill `partial` (splits, kh, kw, C, O), float32; its sum along the first axis is the gradient.

    Parameters
    ----------
    inputs_are_tf32 : bool
        For float32: sources and `grad` are rounded to tf32 already, so the kernel need not do it.
    """
    if why_not_hopper_gradient(window, grad) is None:
        hopper_weight_gradient.weight_gradient(window, sources, grad, partial)
    else:
        ampere_weight_gradient.weight_gradient(window, sources, grad, partial, inputs_are_tf32=inputs_are_tf32)
