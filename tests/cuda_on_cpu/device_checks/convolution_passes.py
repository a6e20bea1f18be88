"""The convolution kernels of a training step, called through their launch code on a device, and compared with float64.

Three passes: forward with bias, ReLU and pooling; the input gradient with masks and two destinations, written over its mask as in
the step; the weight gradient.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minunet.kernels import primitives
from minunet.kernels.cuda import (
    ampere_convolution,
    ampere_weight_gradient,
    hopper_convolution,
    hopper_weight_gradient,
    sums,
)
from minunet.kernels.cuda.window import ShapeOnly, Window, forward_window, input_gradient_windows
from tests.cuda_on_cpu.device_checks.device_buffers import DTYPES, DeviceBuffers

SAME = (1, 1), ((1, 1), (1, 1))  # stride and padding that keep the size
# Relative to the largest value: results have 8 or 10 bits of mantissa; the sums of the weight gradient are float32.
TOLERANCES = {"bf16": 4e-3, "tf32": 6e-4, "weight gradient": 2e-5}


@dataclass(frozen=True)
class Case:
    """One 3x3 convolution.

    Attributes
    ----------
    images : tuple of int
        (N, H, W).
    channels : tuple of int
        Of each source.
    outs : int
        Output channels.
    masked : tuple of bool
        Whether the gradient of each source is masked.
    """

    images: tuple[int, int, int]
    channels: tuple[int, ...]
    outs: int
    masked: tuple[bool, ...]


@dataclass(frozen=True)
class Kernels:
    """The kernels of one architecture.

    Attributes
    ----------
    convolve, weight_gradient : callable
    num_splits : callable
        Of a window and the bytes of an element.
    needs_transposed : bool
        Whether they read float32 operands only along the summed axis. Then the forward pass needs transposed weights, and there is
        no weight gradient in float32.
    """

    convolve: Callable[..., None]
    weight_gradient: Callable[..., None]
    num_splits: Callable[[Any, int], int]
    needs_transposed: bool


# Those of sm_80 in two ways: inputs are rounded to tf32 already, as in a training step; or the kernels round them.
SM_80 = Kernels(
    functools.partial(ampere_convolution.convolve, inputs_are_tf32=True),
    functools.partial(ampere_weight_gradient.weight_gradient, inputs_are_tf32=True),
    ampere_weight_gradient.num_splits,
    needs_transposed=False,
)
SM_80_ROUNDING = Kernels(
    ampere_convolution.convolve,
    ampere_weight_gradient.weight_gradient,
    ampere_weight_gradient.num_splits,
    needs_transposed=False,
)
SM_90A = Kernels(
    hopper_convolution.convolve,
    hopper_weight_gradient.weight_gradient,
    lambda window, _: hopper_weight_gradient.num_splits(window),
    needs_transposed=True,
)

CASES = {
    "one patch": Case((1, 16, 16), (64,), 64, (True,)),
    "patches cut short": Case((2, 19, 37), (64,), 128, (False,)),
    "even, with pooling": Case((1, 34, 18), (64,), 64, (True,)),
    "two sources": Case((1, 20, 18), (64, 64), 192, (True, False)),
    "two sources of different width": Case((1, 6, 22), (128, 72), 64, (False, True)),
    "to 256 channels": Case((1, 7, 9), (64,), 256, (True,)),
    "from 256 channels": Case((1, 10, 14), (64, 192), 64, (True, True)),
    "panels not filled": Case((1, 9, 6), (72,), 136, (True,)),
    "one pixel": Case((3, 1, 1), (64,), 64, (True,)),
}
# More tiles of either kind than a large GPU has multiprocessors; slow on the host shim.
MANY_TILES = {
    "many tiles": Case((3, 144, 202), (64,), 64, (True,)),
    "many tiles, two sources": Case((8, 48, 76), (192, 64), 256, (True, True)),
}


def same_window(images: tuple[int, int, int], channels: tuple[int, ...], outs: int) -> Window:
    """The window of a 3x3 convolution with padding 1 of images (N, H, W) with these channels in each source."""
    sources = [ShapeOnly((*images, c)) for c in channels]
    return forward_window(sources, ShapeOnly((3, 3, sum(channels), outs)), *SAME, images[1:])


def random_values(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Numbers from -0.9 to 1.1, so that sums do not cancel."""
    return rng.uniform(-0.9, 1.1, shape).astype(np.float32)


def random_weights(rng: np.random.Generator, channels: int, outs: int) -> np.ndarray:
    """Weights for which the results are about as large as one."""
    return rng.uniform(-1, 1, (3, 3, channels, outs)).astype(np.float32) / np.sqrt(3 * channels)


def relative_error(result: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference, relative to the largest value; infinite for a NaN."""
    difference = np.abs(result - expected).max() / np.abs(expected).max()
    return float(difference) if np.isfinite(difference) else float("inf")


def forward(device: Any, precision: str, case: Case, kernels: Kernels, rng: np.random.Generator) -> float:
    """The relative error of the forward pass; infinite if the pooling is not that of the result itself."""
    buffers, even = DeviceBuffers(device, precision), all(n % 2 == 0 for n in case.images[1:])
    sources, exact = zip(*(buffers.filled(random_values(rng, *case.images, c)) for c in case.channels), strict=True)
    weight_values = random_weights(rng, sum(case.channels), case.outs)
    weight, exact_weight = buffers.filled(weight_values)
    transposed, _ = buffers.filled(weight_values.transpose(0, 1, 3, 2))
    bias, exact_bias = buffers.filled(random_values(rng, case.outs) / 4, np.float32)
    y = buffers.empty((*case.images, case.outs))
    pooled = argmax = None
    if even:
        shape = (case.images[0], case.images[1] // 2, case.images[2] // 2, case.outs)
        pooled, argmax = buffers.empty(shape), buffers.empty(shape, np.uint8)
    window = forward_window(sources, weight, *SAME, case.images[1:])
    options = {"bias": bias, "relu": True, "masks": (None, None), "pooled": pooled, "argmax": argmax}
    options["round_to_tf32"] = True
    if kernels.needs_transposed:
        options["weight_transposed"] = transposed
    _record_and_run(buffers, lambda: kernels.convolve(window, sources, weight, (y,), **options))
    result = buffers.read(y)
    if even:
        best, positions = primitives.max_pool2d.reference(result, (2, 2), (2, 2), (0, 0))
        if not (np.array_equal(buffers.read(pooled), best) and np.array_equal(buffers.read(argmax), positions)):
            return float("inf")
    return relative_error(result, primitives.conv2d.reference(exact, exact_weight, exact_bias, *SAME, "relu"))


def input_gradient(device: Any, precision: str, case: Case, kernels: Kernels, rng: np.random.Generator) -> float:
    """The relative error of the input gradient, written over its masks."""
    buffers = DeviceBuffers(device, precision)
    grad, exact_grad = buffers.filled(random_values(rng, *case.images, case.outs))
    weight_values = random_weights(rng, case.outs, sum(case.channels)).transpose(0, 1, 3, 2)
    weight, exact_weight = buffers.filled(weight_values)
    outs, exact = zip(*(buffers.filled(random_values(rng, *case.images, c)) for c in case.channels), strict=True)
    masks = [out if masked else None for out, masked in zip(outs, case.masked, strict=True)]
    (window,) = input_gradient_windows(grad, outs, weight, *SAME)
    options = {"bias": None, "relu": False, "masks": (*masks, None)[:2], "pooled": None, "argmax": None}
    options["round_to_tf32"] = True
    if kernels.needs_transposed:
        options["weight_transposed"] = None
    _record_and_run(buffers, lambda: kernels.convolve(window, (grad,), weight, outs, **options))
    needs = (True,) * len(outs), False, False
    expected, _, _ = primitives.conv2d_grads.reference(exact_grad, exact, exact_weight, None, *SAME, needs)
    masked = [g * (x > 0) if masked else g for g, x, masked in zip(expected, exact, case.masked, strict=True)]
    return max(relative_error(buffers.read(out), right) for out, right in zip(outs, masked, strict=True))


def weight_gradient(device: Any, precision: str, case: Case, kernels: Kernels, rng: np.random.Generator) -> float:
    """The relative error of the weight gradient, its splits added."""
    buffers = DeviceBuffers(device, precision)
    sources, exact = zip(*(buffers.filled(random_values(rng, *case.images, c)) for c in case.channels), strict=True)
    grad, exact_grad = buffers.filled(random_values(rng, *case.images, case.outs))
    shape = 3, 3, sum(case.channels), case.outs
    total = buffers.empty(shape, np.float32)
    window = forward_window(sources, total, *SAME, case.images[1:])
    partial = buffers.empty((kernels.num_splits(window, grad.dtype.itemsize), *shape), np.float32)

    def launch() -> None:
        kernels.weight_gradient(window, sources, grad, partial)
        sums.add_splits(partial, total)

    _record_and_run(buffers, launch)
    needs = (False,) * len(sources), True, False
    _, expected, _ = primitives.conv2d_grads.reference(exact_grad, exact, np.ones(shape), None, *SAME, needs)
    return relative_error(buffers.read(total), expected)


def _record_and_run(buffers: DeviceBuffers, launch: Callable[[], None]) -> None:
    launch()  # before there is memory: only recorded, so that committing prepares the kernels
    buffers.commit()
    launch()


def passes(kernels: Kernels) -> Iterator[tuple[str, str, Callable[..., float]]]:
    """(precision, name, function) of every pass that these kernels compute."""
    for precision in DTYPES:
        yield precision, "forward", forward
        yield precision, "input gradient", input_gradient
        if precision == "bf16" or not kernels.needs_transposed:
            yield precision, "weight gradient", weight_gradient


def tolerance(precision: str, name: str) -> float:
    """The largest relative error that a pass may have."""
    return TOLERANCES.get(name, TOLERANCES[precision])
