"""The same U-Net in PyTorch, with our weights, in the settings that a PyTorch user would choose from."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

if TYPE_CHECKING:  # the cold start of PyTorch is measured without minunet
    import minunet

MODES = ("NCHW", "channels_last", "compiled", "bf16")  # the last is autocast


class TorchUNet(nn.Module):
    """Both variants of `minunet.UNet`, layer for layer."""

    def __init__(self, config: dict[str, Any]):
        super().__init__()
        base, depth, paper = config["base_channels"], config["depth"], config["variant"] == "paper"
        widths = [base * 2**k for k in range(depth + 1)]
        before = [config["in_channels"], *widths]

        def block(c_in: int, c_out: int, count: int) -> nn.ModuleList:
            return nn.ModuleList(nn.Conv2d(c_in if k == 0 else c_out, c_out, 3, padding=1) for k in range(count))

        self.contraction = nn.ModuleList(block(before[k], widths[k], 3 if paper else 2) for k in range(depth))
        self.bottleneck = block(before[depth], widths[depth], 2)
        self.up = nn.ModuleList(nn.ConvTranspose2d(widths[k + 1], widths[k], 2, 2) for k in reversed(range(depth)))
        self.expansion = nn.ModuleList(block(2 * widths[k], widths[k], 2) for k in reversed(range(depth)))
        self.head = nn.Conv2d(base, config["out_channels"], 3 if paper else 1, padding=1 if paper else 0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skips = []
        for block in self.contraction:
            for conv in block:
                x = F.relu(conv(x), inplace=True)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        for conv in self.bottleneck:
            x = F.relu(conv(x), inplace=True)
        for up, block in zip(self.up, self.expansion, strict=True):
            x = torch.cat([skips.pop(), up(x)], 1)
            for conv in block:
                x = F.relu(conv(x), inplace=True)
        return self.head(x)

    def in_order_of_use(self) -> list[nn.Module]:
        """The layers with weights, in the order of `minunet.UNet.named_parameters`."""
        layers = [conv for block in self.contraction for conv in block] + list(self.bottleneck)
        for up, block in zip(self.up, self.expansion, strict=True):
            layers += [up, *block]
        return [*layers, self.head]

    def load(self, model: minunet.UNet) -> TorchUNet:
        """Copy the weights of our model, in PyTorch's layouts."""
        parameters = iter(model.parameters())
        for layer in self.in_order_of_use():
            weight, bias = next(parameters).data, next(parameters).data
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(to_torch(weight, isinstance(layer, nn.ConvTranspose2d))))
                layer.bias.copy_(torch.from_numpy(bias))
        return self


def to_torch(weight: np.ndarray, transposed: bool) -> np.ndarray:
    """(kh, kw, C_in, C_out) as PyTorch keeps it: (C_out, C_in, kh, kw), or (C_in, C_out, kh, kw) for an up-convolution."""
    return np.ascontiguousarray(weight.transpose((2, 3, 0, 1) if transposed else (3, 2, 0, 1)))


def training_step(model: minunet.UNet, x: np.ndarray, target: np.ndarray, mode: str) -> Callable[[], Any]:
    """A callable that makes one training step (Adam, BCE with logits) on NHWC arrays, in one of `MODES`."""
    net, image, truth = _prepare(model, x, target, mode)
    run = torch.compile(net) if mode == "compiled" else net
    optimizer = torch.optim.Adam(net.parameters(), 1e-4)

    def step() -> float:
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=mode == "bf16"):
            logits = run(image)
        loss = F.binary_cross_entropy_with_logits(logits.float(), truth)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def inference(model: minunet.UNet, x: np.ndarray, mode: str) -> Callable[[], Any]:
    """A callable that computes the logits of an NHWC array, in one of `MODES`."""
    net, image, _ = _prepare(model, x, x[..., :1], mode)
    net.eval()
    forward = torch.compile(net) if mode == "compiled" else net

    def run() -> torch.Tensor:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=mode == "bf16"):
            return forward(image)

    return run


def _prepare(model: minunet.UNet, x: np.ndarray, target: np.ndarray, mode: str):
    net = TorchUNet(model.config).load(model)
    image = torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))
    truth = torch.from_numpy(np.ascontiguousarray(target.transpose(0, 3, 1, 2)))
    if mode != "NCHW":
        net = net.to(memory_format=torch.channels_last)
        image = image.to(memory_format=torch.channels_last)
    return net, image, truth
