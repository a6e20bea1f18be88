"""The convolution kernels of the training step, called through their launch code on a device, and held against float64.

Forward with bias, ReLU and pooling; the input gradient with masks and two destinations, written over its mask as in the step; the
weight gradient. The tests run them on the host shim, the GPU benchmark on a GPU.
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
from minunet.kernels.cuda.arena import Arena, Buffer
from minunet.kernels.cuda.dtypes import BFLOAT16
from minunet.kernels.cuda.window import forward_window, input_gradient_windows
from tests.cuda_on_cpu.rounding import from_bf16, to_bf16, to_tf32

SAME = (1, 1), ((1, 1), (1, 1))
DTYPES = {"bf16": BFLOAT16, "tf32": np.dtype(np.float32)}
# Of the largest value: results rounded to 8 or 10 bits of mantissa; the weight gradient's sums are float32.
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
    """The kernels of one architecture, as `tensor` chooses between them.

    Attributes
    ----------
    convolve, weight_gradient : callable
    num_splits : callable
        Of a window and the bytes of an element.
    turns : bool
        Whether they read operands along the sum alone where these are floats: weights are given turned, and the weight gradient,
        which cannot be, is not theirs.
    """

    convolve: Callable[..., None]
    weight_gradient: Callable[..., None]
    num_splits: Callable[[Any, int], int]
    turns: bool


# Told that their factors are tf32 values, as in the training step, and not told.
SM_80 = Kernels(
    functools.partial(ampere_convolution.convolve, inputs_are_tf32=True),
    functools.partial(ampere_weight_gradient.weight_gradient, inputs_are_tf32=True),
    ampere_weight_gradient.num_splits,
    turns=False,
)
SM_80_ROUNDING = Kernels(
    ampere_convolution.convolve, ampere_weight_gradient.weight_gradient, ampere_weight_gradient.num_splits, turns=False
)
SM_90A = Kernels(
    hopper_convolution.convolve,
    hopper_weight_gradient.weight_gradient,
    lambda window, _: hopper_weight_gradient.num_splits(window),
    turns=True,
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


class Bench:
    """Buffers in an arena on a device, filled from NumPy and read back.

    Parameters
    ----------
    device
        With `launcher`, `put` and `get`, as in benchmarks.gpu.device.
    precision : {"bf16", "tf32"}
    """

    def __init__(self, device: Any, precision: str):
        self.device, self.precision, self.arena = device, precision, Arena(device.launcher)
        self._content: list[tuple[Buffer, np.ndarray]] = []

    def place(self, values: np.ndarray, dtype: Any = None) -> tuple[Buffer, np.ndarray]:
        """A place that will hold the values, in the precision's type unless another is named; and what it holds, in float64."""
        if dtype is None:
            bits = to_bf16(values) if self.precision == "bf16" else to_tf32(values)
            exact = from_bf16(bits) if self.precision == "bf16" else bits
        else:
            bits = exact = values.astype(dtype)
        place = self.arena.alloc(values.shape, DTYPES[self.precision] if dtype is None else dtype)
        self._content.append((place, bits))
        return place, exact.astype(np.float64)

    def room(self, shape: tuple[int, ...], dtype: Any = None) -> Buffer:
        """A place for results."""
        return self.arena.alloc(shape, DTYPES[self.precision] if dtype is None else dtype)

    def settle(self) -> None:
        """Get the memory, every byte of it poison, and fill the places."""
        self.arena.commit()
        self.arena.launcher.memory[...] = 0xFF
        for place, bits in self._content:
            self._bytes(place)[...] = self.device.put(np.ascontiguousarray(bits).view(np.uint8).reshape(-1))

    def read(self, place: Buffer) -> np.ndarray:
        """What a place holds, in float64; whole numbers as they are."""
        raw = np.ascontiguousarray(self.device.get(self._bytes(place)))
        if place.dtype is BFLOAT16:
            return from_bf16(raw.view(np.uint16)).astype(np.float64).reshape(place.shape)
        values = raw.view(place.dtype).reshape(place.shape)
        return values if values.dtype.kind == "u" else values.astype(np.float64)

    def _bytes(self, place: Buffer) -> Any:
        return self.arena.launcher.memory[place.offset : place.offset + place.nbytes]


def drawn(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Numbers from -1 to 1, a little more of them positive."""
    return rng.uniform(-0.9, 1.1, shape).astype(np.float32)


def weights(rng: np.random.Generator, channels: int, outs: int) -> np.ndarray:
    """Weights whose sums stay of the size of one."""
    return rng.uniform(-1, 1, (3, 3, channels, outs)).astype(np.float32) / np.sqrt(3 * channels)


def off(found: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference, of the largest value; infinite for a NaN."""
    difference = np.abs(found - expected).max() / np.abs(expected).max()
    return float(difference) if np.isfinite(difference) else float("inf")


def forward(device: Any, precision: str, case: Case, kernels: Kernels, rng: np.random.Generator) -> float:
    """How far `kernels.convolve` is off; pooling and its places must be those of the result itself."""
    bench, even = Bench(device, precision), all(n % 2 == 0 for n in case.images[1:])
    sources, exact = zip(*(bench.place(drawn(rng, *case.images, c)) for c in case.channels), strict=True)
    drawn_weight = weights(rng, sum(case.channels), case.outs)
    weight, exact_weight = bench.place(drawn_weight)
    turned, _ = bench.place(drawn_weight.transpose(0, 1, 3, 2))
    bias, exact_bias = bench.place(drawn(rng, case.outs) / 4, np.float32)
    y = bench.room((*case.images, case.outs))
    pooled = argmax = None
    if even:
        shape = (case.images[0], case.images[1] // 2, case.images[2] // 2, case.outs)
        pooled, argmax = bench.room(shape), bench.room(shape, np.uint8)
    window = forward_window(sources, weight, *SAME, case.images[1:])
    options = {
        "bias": bias,
        "relu": True,
        "masks": (None, None),
        "pooled": pooled,
        "argmax": argmax,
        "round_to_tf32": True,
    }
    if kernels.turns:
        options["weight_transposed"] = turned
    kernels.convolve(window, sources, weight, (y,), **options)
    bench.settle()
    kernels.convolve(window, sources, weight, (y,), **options)
    found = bench.read(y)
    if even:
        best, place = primitives.max_pool2d.reference(found, (2, 2), (2, 2), (0, 0))
        if not (np.array_equal(bench.read(pooled), best) and np.array_equal(bench.read(argmax), place)):
            return float("inf")
    return off(found, primitives.conv2d.reference(exact, exact_weight, exact_bias, *SAME, "relu"))


def input_gradient(device: Any, precision: str, case: Case, kernels: Kernels, rng: np.random.Generator) -> float:
    """How far `kernels.convolve` is off as the input gradient, written over its masks."""
    bench = Bench(device, precision)
    grad, exact_grad = bench.place(drawn(rng, *case.images, case.outs))
    weight, exact_weight = bench.place(weights(rng, case.outs, sum(case.channels)).transpose(0, 1, 3, 2))
    outs, exact = zip(*(bench.place(drawn(rng, *case.images, c)) for c in case.channels), strict=True)
    masks = [out if masked else None for out, masked in zip(outs, case.masked, strict=True)]
    (window,) = input_gradient_windows(grad, outs, weight, *SAME)
    options = {"bias": None, "relu": False, "pooled": None, "argmax": None, "round_to_tf32": True}
    options["masks"] = (*masks, None)[:2]
    if kernels.turns:
        options["weight_transposed"] = None
    kernels.convolve(window, (grad,), weight, outs, **options)
    bench.settle()
    kernels.convolve(window, (grad,), weight, outs, **options)
    needs = (True,) * len(outs), False, False
    expected, _, _ = primitives.conv2d_grads.reference(exact_grad, exact, exact_weight, None, *SAME, needs)
    kept = [g * (x > 0) if masked else g for g, x, masked in zip(expected, exact, case.masked, strict=True)]
    return max(off(bench.read(out), wanted) for out, wanted in zip(outs, kept, strict=True))


def weight_gradient(device: Any, precision: str, case: Case, kernels: Kernels, rng: np.random.Generator) -> float:
    """How far `kernels.weight_gradient` is off, its shares added up."""
    bench = Bench(device, precision)
    sources, exact = zip(*(bench.place(drawn(rng, *case.images, c)) for c in case.channels), strict=True)
    grad, exact_grad = bench.place(drawn(rng, *case.images, case.outs))
    shape = 3, 3, sum(case.channels), case.outs
    total = bench.room(shape, np.float32)
    window = forward_window(sources, total, *SAME, case.images[1:])
    splits = kernels.num_splits(window, grad.dtype.itemsize)
    partial = bench.room((splits, *shape), np.float32)
    kernels.weight_gradient(window, sources, grad, partial)
    sums.add_splits(partial, total)
    bench.settle()
    kernels.weight_gradient(window, sources, grad, partial)
    sums.add_splits(partial, total)
    needs = (False,) * len(sources), True, False
    _, expected, _ = primitives.conv2d_grads.reference(exact_grad, exact, np.ones(shape), None, *SAME, needs)
    return off(bench.read(total), expected)


def passes(kernels: Kernels) -> Iterator[tuple[str, str, Any]]:
    """(precision, what, function) for everything that these kernels compute."""
    for precision in DTYPES:
        yield precision, "forward", forward
        yield precision, "input gradient", input_gradient
        if precision == "bf16" or not kernels.turns:
            yield precision, "weight gradient", weight_gradient
