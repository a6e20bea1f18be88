"""The calls of primitives in a U-Net's training step and their shapes, from a dry run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import minunet
from minunet import functional as F
from minunet.kernels.dispatch import Primitive, intercept_calls
from minunet.kernels.dry_run import dry_run


@dataclass(frozen=True)
class UNetCall:
    """A primitive with arguments as a U-Net gives them.

    Attributes
    ----------
    primitive : Primitive
    args : tuple
        Arrays without content: only shapes and dtypes count.
    times : int
        Number of calls with these shapes in a step.
    label : str
        Shapes, for a reader.
    flops : float
        Multiplications and additions of the direct algorithm; 0 for operations other than convolutions.
    """

    primitive: Primitive
    args: tuple[Any, ...]
    times: int
    label: str
    flops: float

    @property
    def bytes(self) -> int:
        """Bytes of the input arrays."""
        return sum(array.nbytes for array in _arrays(self.args))


def step_calls(base: int, batch: int, size: int = 256, variant: str = "classic") -> list[UNetCall]:
    """Every different call of one training step, in the order of first use."""
    model = minunet.UNet(base_channels=base, variant=variant)
    optimizer = minunet.optim.Adam(model.parameters())
    image = np.empty((batch, size, size, 1), np.float32)
    seen: dict[str, list[Any]] = {}
    with dry_run() as run:

        def note(primitive: Primitive, args: tuple[Any, ...]) -> Any:
            entry = seen.setdefault(primitive.name + _label(args), [primitive, args, 0])
            entry[2] += 1
            return run.answer(primitive, args)

        with intercept_calls(note):
            F.binary_cross_entropy_with_logits(model(image), np.zeros_like(image)).backward()
            optimizer.step()
    return [
        UNetCall(primitive, args, times, _label(args), direct_flops(primitive.name, args))
        for primitive, args, times in seen.values()
    ]


def random_arguments(call: UNetCall, rng: np.random.Generator) -> tuple[Any, ...]:
    """The arguments with arrays of random numbers. Half of each activation is zero, as after a ReLU."""

    def fill(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            if value.dtype.kind == "u":
                return rng.integers(0, 4, value.shape, value.dtype)
            array = rng.standard_normal(value.shape, np.float32)
            return np.maximum(array, 0) if value.ndim == 4 and value.shape[0] > 3 else array
        if isinstance(value, (list, tuple)) and any(isinstance(item, np.ndarray) for item in value):
            return type(value)(fill(item) for item in value)
        return value

    args = [fill(value) for value in call.args]
    if call.primitive.name == "adam":
        args[3] = [np.abs(array) for array in args[3]]  # the mean of squares
    return tuple(args)


def _arrays(args: Any) -> list[np.ndarray]:
    found = []
    for value in args:
        if isinstance(value, np.ndarray):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            found += _arrays(value)
    return found


def _label(args: tuple[Any, ...]) -> str:
    shapes = [array.shape for array in _arrays(args)]
    if len(shapes) > 6:
        return f"{len(shapes)} arrays"
    return " ".join("x".join(map(str, shape)) or "()" for shape in shapes)


def direct_flops(name: str, args: tuple[Any, ...]) -> float:
    """Multiplications and additions of the direct algorithm for a call of a primitive; 0 for operations other than convolutions.

    2 for each tap, input channel, output channel and pixel; each gradient counts once.
    """
    if name == "conv2d":
        (x, *_), weight, _, (sh, sw), *_ = args
        return 2.0 * weight.size * x.shape[0] * (x.shape[1] // sh) * (x.shape[2] // sw)
    if name == "conv2d_grads":
        grad, _, weight, _, _, _, (needs_x, needs_weight, _) = args
        return 2.0 * weight.size * grad.shape[0] * grad.shape[1] * grad.shape[2] * (any(needs_x) + needs_weight)
    if name == "conv_transpose2d":
        x, weight = args[:2]
        return 2.0 * weight.size * x.shape[0] * x.shape[1] * x.shape[2]
    if name == "conv_transpose2d_grads":
        _, x, weight, _, _, needs = args
        return 2.0 * weight.size * x.shape[0] * x.shape[1] * x.shape[2] * (needs[0] + needs[1])
    return 0.0
