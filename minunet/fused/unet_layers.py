"""The convolutions of a U-Net as the fused kernels see them: each with its channels and the position of its parameters.

They are read from the modules of the model, so that the structure of the network is written only in `minunet.nn.unet`.
"""

from __future__ import annotations

from dataclasses import dataclass

from minunet.nn.layers import Conv2d, ConvTranspose2d
from minunet.nn.unet import UNet


@dataclass(frozen=True)
class ConvLayer:
    """A convolution or up-convolution.

    Attributes
    ----------
    weight : int
        Index of its weight among the network's parameters; its bias is the next one.
    kernel_size : int
    channels : tuple of int
        Of each source: one, or the skip and the upsampled features.
    outs : int
        Output channels.
    """

    weight: int
    kernel_size: int
    channels: tuple[int, ...]
    outs: int

    @property
    def bias(self) -> int:
        """Index of its bias among the network's parameters."""
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


def layers_of(model: UNet) -> UNetLayers:
    """The layers of a model; only the shapes of its parameters are read."""
    index = {id(parameter): k for k, parameter in enumerate(model.parameters())}

    def layer(module: Conv2d | ConvTranspose2d, *sources: int) -> ConvLayer:
        kernel_size, _, in_channels, outs = module.weight.shape
        return ConvLayer(index[id(module.weight)], kernel_size, sources or (in_channels,), outs)

    contraction = tuple(tuple(layer(conv) for conv in block.convs) for block in model.contraction)
    expansion = []
    for level, skip in zip(model.expansion, reversed(contraction), strict=True):
        up = layer(level.up)
        first, second = level.block.convs
        expansion.append((up, layer(first, skip[-1].outs, up.outs), layer(second)))
    bottleneck = tuple(layer(conv) for conv in model.bottleneck.convs)
    return UNetLayers(contraction, bottleneck, tuple(expansion), layer(model.head))
