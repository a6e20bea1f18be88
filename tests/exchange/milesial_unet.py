"""The network of https://github.com/milesial/Pytorch-UNet, from its published description, for the tests of its import.

It needs PyTorch. Its parts have the names under which the original stores their weights.
"""

import torch
from torch import nn
from torch.nn import functional as F


class DoubleConv(nn.Module):
    """Twice: a 3x3 convolution without a bias, batch normalization, ReLU."""

    def __init__(self, c_in, c_out, between):
        super().__init__()
        layers = []
        for first, second in ((c_in, between), (between, c_out)):
            layers += [nn.Conv2d(first, second, 3, padding=1, bias=False), nn.BatchNorm2d(second), nn.ReLU()]
        self.double_conv = nn.Sequential(*layers)

    def forward(self, x):
        return self.double_conv(x)


class Down(nn.Module):
    """Max pooling, then two convolutions."""

    def __init__(self, c_in, c_out):
        super().__init__()
        self.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), DoubleConv(c_in, c_out, c_out))

    def forward(self, x):
        return self.maxpool_conv(x)


class Up(nn.Module):
    """Up-sampling, padded to the size of the skip, joined with it, then two convolutions."""

    def __init__(self, c_in, c_out, bilinear):
        super().__init__()
        if bilinear:
            self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        else:
            self.up = nn.ConvTranspose2d(c_in, c_in // 2, 2, stride=2)
        self.conv = DoubleConv(c_in, c_out, c_in // 2 if bilinear else c_out)

    def forward(self, x, skip):
        x = self.up(x)
        rows, columns = (skip.size(axis) - x.size(axis) for axis in (2, 3))
        x = F.pad(x, [columns // 2, columns - columns // 2, rows // 2, rows - rows // 2])
        return self.conv(torch.cat([skip, x], dim=1))


class OutConv(nn.Module):
    """A 1x1 convolution."""

    def __init__(self, c_in, c_out):
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, 1)

    def forward(self, x):
        return self.conv(x)


class MilesialUNet(nn.Module):
    """The network; `base` is 64 in the original, and `depth` 4."""

    def __init__(self, n_channels, n_classes, bilinear=False, base=64, depth=4):
        super().__init__()
        widths = [base * 2**level for level in range(depth + 1)]
        factor = 2 if bilinear else 1
        self.depth = depth
        self.inc = DoubleConv(n_channels, base, base)
        for level in range(1, depth + 1):
            narrower = factor if level == depth else 1
            self.add_module(f"down{level}", Down(widths[level - 1], widths[level] // narrower))
            wide = widths[depth + 1 - level]
            self.add_module(f"up{level}", Up(wide, wide // 2 // (factor if level < depth else 1), bilinear))
        self.outc = OutConv(base, n_classes)

    def forward(self, x):
        outputs = [self.inc(x)]
        for level in range(1, self.depth + 1):
            outputs.append(getattr(self, f"down{level}")(outputs[-1]))
        x = outputs.pop()
        for level in range(1, self.depth + 1):
            x = getattr(self, f"up{level}")(x, outputs.pop())
        return self.outc(x)


def trained_like(network, seed=0):
    """The network with batch normalizations as after a training, in evaluation mode."""
    generator = torch.Generator().manual_seed(seed)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.3, generator=generator)
            layer.running_var.uniform_(0.3, 3, generator=generator)
            layer.weight.data.uniform_(0.5, 1.5, generator=generator)
            layer.bias.data.normal_(0, 0.2, generator=generator)
    return network.eval()


def logits_of(network, images):
    """The logits (N, H, W, classes) of images (N, H, W, channels)."""
    with torch.no_grad():
        return network(torch.from_numpy(images.transpose(0, 3, 1, 2).copy())).numpy().transpose(0, 2, 3, 1)
