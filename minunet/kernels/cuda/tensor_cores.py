"""Convolutions on tensor cores: the kernels of sm_90a where the launcher takes them and they waste little, else those of sm_80.

Which one is a function of the shapes and the architecture alone, so that the same seed gives the same bits.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minunet.kernels.cuda import ampere, hopper, hopper_gradient
from minunet.kernels.cuda.ampere import MAX_SIDE
from minunet.kernels.cuda.launcher import launcher_for
from minunet.kernels.cuda.window import Window

__all__ = ["MAX_SIDE", "convolve", "splits_of", "why_not_hopper", "why_not_hopper_gradient", "weight_gradient"]

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
    exact: bool = False,
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
        For floats: where the kernels of sm_90a can do it, sources and weights hold tf32 values; and so shall the results.
    exact : bool
        For floats: the sources hold tf32 values, and need not be rounded to them.
    turned : array, optional
        For floats: the weights with their last two axes exchanged.
    """
    extras = {"bias": bias, "relu": relu, "masks": masks, "pooled": pooled, "argmax": argmax, "rounded": rounded}
    for window in windows:
        if why_not_hopper(window, sources, outs, pooled=pooled, rounded=rounded, turned=turned) is None:
            hopper.convolve(window, sources, weight, outs, turned=turned, **extras)
        else:
            ampere.convolve(window, sources, weight, outs, exact=exact, **extras)


def why_not_hopper(window: Window, sources, outs, *, pooled=None, rounded: bool = False, turned=None) -> str | None:
    """None where `convolve` takes the kernel of sm_90a, else the reason."""
    source = sources[0]
    problem = launcher_for(source).why_not_sm_90a() or hopper.why_not_convolution(
        window, source, turned, pooled, rounded=rounded
    )
    if problem is None and any(out is None for out in outs):
        return "wgmma computes all results, and one is not wanted"
    if problem is None:
        columns = window.out_channels0 + window.out_channels1
        needed, products = window.pixels * window.depth * columns, hopper.products(window, source.dtype.itemsize)
        return _why_slower(*estimates(window, source), 1 - needed / max(products, 1))
    return problem


def why_not_hopper_gradient(window: Window, grad: Any) -> str | None:
    """None where `weight_gradient` takes the kernel of sm_90a, else the reason."""
    problem = launcher_for(grad).why_not_sm_90a() or hopper_gradient.why_not(window, grad)
    if problem is None:
        needed, products = window.pixels * window.depth * window.out_channels0, hopper_gradient.products(window)
        return _why_slower(*gradient_estimates(window, grad), 1 - needed / max(products, 1))
    return problem


def estimates(window: Window, source: Any) -> tuple[float, float]:
    """Nanoseconds of a plain window by the kernels of sm_90a and of sm_80."""
    itemsize = source.dtype.itemsize
    ours = hopper.products(window, itemsize) / HOPPER_RATES[itemsize]
    return ours, ampere.products(window, itemsize) / AMPERE_RATES[itemsize]


def gradient_estimates(window: Window, grad: Any) -> tuple[float, float]:
    """The same of the weight gradient."""
    theirs = ampere.gradient_products(window, grad.dtype.itemsize) / AMPERE_GRADIENT_RATE
    return hopper_gradient.products(window) / HOPPER_GRADIENT_RATE, theirs


def _why_slower(ours: float, theirs: float, wasted: float) -> str | None:
    return None if ours < theirs else f"{100 * wasted:.0f} % of wgmma's products would be wasted"


def splits_of(window: Window, grad: Any) -> int:
    """How many partial sums `weight_gradient` writes for this window and a gradient like this."""
    if why_not_hopper_gradient(window, grad) is None:
        return hopper_gradient.splits_of(window)
    return ampere.splits_of(window, grad.dtype.itemsize)


def weight_gradient(window: Window, sources, grad, partial, *, exact: bool = False) -> None:
    """Fill `partial` (splits, kh, kw, C, O), float32, whose sum along the first axis is the gradient.

    `exact` says of floats that sources and `grad` hold tf32 values, and need not be rounded to them.
    """
    if why_not_hopper_gradient(window, grad) is None:
        hopper_gradient.weight_gradient(window, sources, grad, partial)
    else:
        ampere.weight_gradient(window, sources, grad, partial, exact=exact)
