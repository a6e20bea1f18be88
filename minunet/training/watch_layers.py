"""What the layers of a network give for some images, one after the other: which ReLUs are dead, and where numbers become infinite.

The layers are watched from outside, during an ordinary forward pass; the network and its results stay as they are.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minunet.autograd.engine import no_grad
from minunet.autograd.tensor import Tensor
from minunet.kernels.backend import to_device, to_numpy
from minunet.nn.module import Module
from minunet.nn.plain_layers import ReLU


@dataclass(frozen=True)
class DeadLayer:
    """A layer with channels whose ReLU gave 0 for every pixel of every image.

    Attributes
    ----------
    name : str
        As in the names of its parameters, such as "bottleneck.convs.1".
    dead, channels : int
    """

    name: str
    dead: int
    channels: int

    @property
    def share(self) -> float:
        """The share of its channels that are dead."""
        return self.dead / self.channels


@contextlib.contextmanager
def watched_layers(model: Module, seen: Callable[[str, Module, Tensor], None]) -> Iterator[None]:
    """Within the block, `seen` gets the name, the module and the output of each layer without sub-modules, as it is called."""

    def watching(name: str, layer: Module) -> Callable[..., Any]:
        forward = layer.forward

        def watched(*inputs: Any, **options: Any) -> Any:
            output = forward(*inputs, **options)
            seen(name, layer, output)
            return output

        return watched

    layers = list(named_layers(model))
    for name, layer in layers:
        vars(layer)["forward"] = watching(name, layer)
    try:
        yield
    finally:
        for _, layer in layers:
            vars(layer).pop("forward", None)


def named_layers(model: Module, prefix: str = "") -> Iterator[tuple[str, Module]]:
    """(name, layer) of the modules without sub-modules, named as their parameters are."""
    for name, child in model.children():
        if any(True for _ in child.children()):
            yield from named_layers(child, f"{prefix}{name}.")
        else:
            yield prefix + name, child


def dead_relus(model: Module, images: np.ndarray) -> list[DeadLayer]:
    """The layers with a ReLU, in the order of their use, and how many of their channels are 0 for every pixel.

    Parameters
    ----------
    model : Module
    images : ndarray (N, H, W, C)
        Given to the network one by one, so that a single image has to fit in memory.
    """
    alive: dict[str, np.ndarray] = {}

    def seen(name: str, layer: Module, output: Tensor) -> None:
        if isinstance(layer, ReLU) or getattr(layer, "activation", None) == "relu":
            positive = to_numpy((output.data > 0).any(axis=tuple(range(output.ndim - 1))))  # (C,)
            alive[name] = alive.get(name, np.zeros(len(positive), bool)) | positive

    with no_grad(), watched_layers(model, seen), np.errstate(all="ignore"):
        for image in images:
            model(Tensor(to_device(np.ascontiguousarray(image[None]), model.device)))
    return [DeadLayer(name, int((~positive).sum()), len(positive)) for name, positive in alive.items()]


def first_not_finite(model: Module, images: np.ndarray) -> tuple[str | None, list[int]]:
    """The first layer whose output is not finite for an image, and which images these are.

    Parameters
    ----------
    model : Module
    images : ndarray (N, H, W, C)
        Given to the network one by one.

    Returns
    -------
    layer : str or None
        None where everything is finite.
    images : list of int
        Places in the batch: those for which this layer's output is not finite.
    """
    order = {name: place for place, (name, _) in enumerate(named_layers(model))}
    found: dict[int, str] = {}  # image -> its first such layer

    for number, image in enumerate(images):

        def seen(name: str, layer: Module, output: Tensor, number: int = number) -> None:
            if number not in found and not np.isfinite(to_numpy(output.data)).all():
                found[number] = name

        with no_grad(), watched_layers(model, seen), np.errstate(all="ignore"):
            model(Tensor(to_device(np.ascontiguousarray(image[None]), model.device)))
    if not found:
        return None, []
    first = min(found.values(), key=lambda name: order[name])
    return first, [number for number, name in found.items() if name == first]
