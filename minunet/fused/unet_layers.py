"""The U-Net as a training step on the GPU sees it: its convolutions with their parameters' places, from its settings alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from minunet.kernels.cuda.tensor_cores import MAX_SIDE


@dataclass(frozen=True)
class ConvLayer:
    """A convolution or up-convolution.

    Attributes
    ----------
    weight : int
        Place of its weight among the network's parameters; its bias is the next.
    kernel_size : int
    channels : tuple of int
        Of each source.
    outs : int
        Output channels.
    """

    weight: int
    kernel_size: int
    channels: tuple[int, ...]
    outs: int

    @property
    def bias(self) -> int:
        """Place of its bias."""
        return self.weight + 1

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Shape of the weight."""
        return self.kernel_size, self.kernel_size, sum(self.channels), self.outs


@dataclass(frozen=True)
class UNetLayers:
    """The layers, in the order of use, which is that of the parameters.

    Attributes
    ----------
    contraction : tuple of tuples of ConvLayer
        One per level, finest first.
    bottleneck : tuple of ConvLayer
    expansion : tuple of tuples of ConvLayer
        (up-convolution, first, second) per level, deepest first.
    head : ConvLayer
    """

    contraction: tuple[tuple[ConvLayer, ...], ...]
    bottleneck: tuple[ConvLayer, ...]
    expansion: tuple[tuple[ConvLayer, ConvLayer, ConvLayer], ...]
    head: ConvLayer

    def all(self) -> list[ConvLayer]:
        """Every layer, in order."""
        return [
            *(layer for block in self.contraction for layer in block),
            *self.bottleneck,
            *(layer for level in self.expansion for layer in level),
            self.head,
        ]


def why_not(config: Mapping[str, Any], height: int, width: int) -> str | None:
    """None where a U-Net of these settings has a captured step for images of this size, else the reason as a sentence."""
    multiple = 2 ** config["depth"]
    if config["activation"] != "relu" or config["pooling"] != "max" or not config["block_end_relu"]:
        return "the captured step knows ReLU and max pooling alone"
    if config["base_channels"] % 8:
        return f"base_channels is {config['base_channels']}; the captured step takes multiples of 8"
    if height % multiple or width % multiple:
        return f"the captured step takes images whose sides are multiples of {multiple}, got {height}x{width}"
    if max(height, width) > MAX_SIDE:
        return f"the captured step takes images of at most {MAX_SIDE} pixels a side, got {height}x{width}"
    return None


def whole_sides(config: Mapping[str, Any], height: int, width: int) -> tuple[int, int]:
    """The sides that images are continued to, multiples of 2**depth, where they go through a pass."""
    multiple = 2 ** config["depth"]
    return -(-height // multiple) * multiple, -(-width // multiple) * multiple


def layers_of(config: Mapping[str, Any]) -> UNetLayers:
    """The layers of a U-Net with these settings (`UNet.config`)."""
    depth, paper = config["depth"], config["variant"] == "paper"
    widths = [config["base_channels"] * 2**k for k in range(depth + 1)]
    place = 0

    def layer(kernel_size: int, channels: tuple[int, ...], outs: int) -> ConvLayer:
        nonlocal place
        made = ConvLayer(place, kernel_size, channels, outs)
        place += 2
        return made

    contraction, before = [], config["in_channels"]
    for width in widths[:-1]:
        first = [layer(3, (before,), width)]
        contraction.append((*first, *(layer(3, (width,), width) for _ in range(2 if paper else 1))))
        before = width
    bottleneck = layer(3, (before,), widths[-1]), layer(3, (widths[-1],), widths[-1])
    expansion = [
        (layer(2, (2 * width,), width), layer(3, (width, width), width), layer(3, (width,), width))
        for width in reversed(widths[:-1])
    ]
    head = layer(3 if paper else 1, (widths[0],), config["out_channels"])
    return UNetLayers(tuple(contraction), bottleneck, tuple(expansion), head)
