"""Convolutions on tensor cores: the kernels of sm_90a where the launcher takes them and they waste little, else those of sm_80.

Which one is a function of the shapes and the architecture alone, so that the same seed gives the same bits.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minunet.kernels.cuda import ampere, hopper
from minunet.kernels.cuda.ampere import MAX_SIDE
from minunet.kernels.cuda.launcher import launcher_for
from minunet.kernels.cuda.window import Window

__all__ = ["MAX_SIDE", "convolve", "splits_of", "uses_hopper", "weight_gradient"]

# Multiplications a nanosecond, zeros included, round figures of an H100: only which is faster matters.
HOPPER_RATES = {2: 270_000.0, 4: 130_000.0}
AMPERE_RATES = {2: 140_000.0, 4: 52_000.0}
HOPPER_GRADIENT_RATE, AMPERE_GRADIENT_RATE = 250_000.0, 110_000.0


def convolve(
    windows: Iterable[Window],
    sources,
    weight,
    outs,
    *,
    bias=None,
    relu: bool = False,
    masks=(None, None),
    pooled=None,
    argmax=None,
    rounded: bool = False,
    turned=None,
) -> None:
    """Fill `outs`, one or two arrays (or None) joined along channels, window by window.

    Parameters
    ----------
    sources : tuple of one or two arrays
        Read as if joined along channels.
    weight : array
        Of the sources' dtype; where the windows' k_stride is not 1, their taps must be all of the kernel's or a single one.
    masks : tuple of two arrays or None
        Of the shapes of `outs`: a result is kept where its mask is positive. A mask may be its output itself.
    pooled, argmax : array, optional
        Also write 2x2 max pooling of the output and its places (uint8); the output's height and width are even.
    rounded : bool
        For floats: sources and weights hold tf32 values, and so shall the results.
    turned : array, optional
        For floats: the weights with their last two axes exchanged.
    """
    extras = {"bias": bias, "relu": relu, "masks": masks, "pooled": pooled, "argmax": argmax, "rounded": rounded}
    for window in windows:
        if uses_hopper(window, sources, outs, pooled=pooled, rounded=rounded, turned=turned):
            hopper.convolve(window, sources, weight, outs, turned=turned, **extras)
        else:
            ampere.convolve(window, sources, weight, outs, **extras)


def uses_hopper(window: Window, sources, outs, *, pooled=None, rounded: bool = False, turned=None) -> bool:
    """Whether `convolve` takes the kernel of sm_90a."""
    source, itemsize = sources[0], sources[0].dtype.itemsize
    if not launcher_for(source).takes_sm_90a() or any(out is None for out in outs):
        return False
    if not hopper.takes_convolution(window, source, turned, pooled, rounded=rounded):
        return False
    return (
        hopper.products(window, itemsize) / HOPPER_RATES[itemsize]
        < ampere.products(window, itemsize) / AMPERE_RATES[itemsize]
    )


def _gradient_uses_hopper(window: Window, grad: Any) -> bool:
    if not launcher_for(grad).takes_sm_90a() or not hopper.takes_weight_gradient(window, grad):
        return False
    theirs = ampere.gradient_products(window, grad.dtype.itemsize) / AMPERE_GRADIENT_RATE
    return hopper.gradient_products(window) / HOPPER_GRADIENT_RATE < theirs


def splits_of(window: Window, grad: Any) -> int:
    """How many partial sums `weight_gradient` writes for this window and a gradient like this."""
    if _gradient_uses_hopper(window, grad):
        return hopper.splits_of(window)
    return ampere.splits_of(window, grad.dtype.itemsize)


def weight_gradient(window: Window, sources, grad, partial) -> None:
    """Fill `partial` (splits, kh, kw, C, O), float32, whose sum along the first axis is the gradient."""
    module = hopper if _gradient_uses_hopper(window, grad) else ampere
    module.weight_gradient(window, sources, grad, partial)
