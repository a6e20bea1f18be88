"""The U-Net of minunet as a PyTorch module, for a file that `python -m minunet.export MODEL --torch FILE.safetensors` wrote.

This file needs torch and safetensors and nothing else; a copy of it lies beside each exported file.
"""

from __future__ import annotations

import json
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}


def load_torch_unet(path: str) -> tuple[TorchUNet, dict[str, Any]]:
    """The network of a file, in evaluation mode, and what is known of it: "preprocessing", "outputs", "cells" and more."""
    with safe_open(path, "pt") as file:
        document = json.loads(file.metadata()["minunet"])
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  it is no dictionary
    mirrored = document["preprocessing"].get("diameter") is not None  # a model of one cell diameter
    model = TorchUNet(**document["architecture"], border="mirror" if mirrored else "zeros")
    model.load_state_dict(weights)
    return model.eval(), document


def save_torch_unet(model: TorchUNet, document: dict[str, Any], path: str) -> None:
    """Write a network after more training, for `python -m minunet.import_model`; `document` is what `load_torch_unet` gave."""
    document = {
        name: value for name, value in document.items() if name != "checksum"
    }  # which is that of the old weights
    save_file(model.state_dict(), path, metadata={"minunet": json.dumps(document)})


class TorchUNet(nn.Module):
    """A U-Net: images (N, in_channels, H, W) in, logits (N, out_channels, H, W) out, of any H and W.

    The arguments are those of `minunet.UNet`, and so are the names of the parameters. `border` is what is beside images whose sides
    are no multiples of 2**depth, "zeros" or "mirror", the mirror image.
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        base_channels: int = 64,
        depth: int = 4,
        variant: str = "paper",
        activation: str = "relu",
        pooling: str = "max",
        block_end_relu: bool = True,
        border: str = "zeros",
    ):
        super().__init__()
        self.depth, self.pooling, self.border = depth, pooling, border
        act = ACTIVATIONS[activation]
        widths = [base_channels * 2**level for level in range(depth + 1)]
        before = [in_channels, *widths]
        count = 3 if variant == "paper" else 2
        self.contraction = nn.ModuleList(
            Convolutions([before[k]] + [widths[k]] * count, act, block_end_relu) for k in range(depth)
        )
        self.bottleneck = Convolutions([before[depth], widths[depth], widths[depth]], act)
        self.expansion = nn.ModuleList(Expansion(widths[k], act) for k in reversed(range(depth)))
        size = 3 if variant == "paper" else 1
        self.head = nn.Conv2d(base_channels, out_channels, size, padding=size // 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits; sides that are no multiple of 2**depth are continued at the bottom and right, and cropped again."""
        height, width = x.shape[2:]
        bottom, right = -height % 2**self.depth, -width % 2**self.depth
        x = _mirrored(x, bottom, right) if self.border == "mirror" else F.pad(x, (0, right, 0, bottom))
        skips = []
        for block in self.contraction:
            skips.append(block(x))
            x = F.max_pool2d(skips[-1], 2) if self.pooling == "max" else F.avg_pool2d(skips[-1], 2)
            x = 4 * x if self.pooling == "sum" else x
        x = self.bottleneck(x)
        for level in self.expansion:
            x = level(x, skips.pop())
        return self.head(x)[:, :, :height, :width]


def _mirrored(x: torch.Tensor, bottom: int, right: int) -> torch.Tensor:
    """Images continued by their mirror image, with the border pixel twice, and again and again, as numpy.pad's "symmetric"."""
    for axis, missing in ((2, bottom), (3, right)):
        size = x.shape[axis]
        places = torch.arange(size + missing, device=x.device) % (2 * size)
        x = x.index_select(axis, torch.minimum(places, 2 * size - 1 - places))
    return x


class Convolutions(nn.Module):
    """3x3 convolutions, each followed by the activation; after the last one there may be none."""

    def __init__(self, channels: list[int], activation: Any, active_end: bool = True):
        super().__init__()
        self.activation, self.active_end = activation, active_end
        pairs = zip(channels[:-1], channels[1:], strict=True)
        self.convs = nn.ModuleList(nn.Conv2d(c_in, c_out, 3, padding=1) for c_in, c_out in pairs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for place, conv in enumerate(self.convs, start=1):
            x = conv(x)
            if place < len(self.convs) or self.active_end:
                x = self.activation(x)
        return x


class Expansion(nn.Module):
    """An up-convolution, the skip joined before its result, and two convolutions."""

    def __init__(self, width: int, activation: Any):
        super().__init__()
        self.up = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.block = Convolutions([2 * width, width, width], activation)

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        return self.block(torch.cat([skip, self.up(x)], dim=1))
