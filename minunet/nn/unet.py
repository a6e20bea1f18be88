"""The U-Net (Ronneberger et al. 2015) in the paper's form and the classic one.

The contraction halves the image and doubles the channels, level by level. The expansion goes back up and joins at each level what
the contraction computed there (the skip), so that the result has the full resolution of the image.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minunet import functional as F
from minunet.autograd import Tensor, TensorLike
from minunet.autograd.engine import is_recording
from minunet.functional.layout_advice import layout_advice
from minunet.functional.validation import conform, is_whole_number
from minunet.nn.init import generator
from minunet.nn.layers import Conv2d, ConvTranspose2d
from minunet.nn.module import Module

VARIANTS = ("paper", "classic")
ACTIVATIONS = ("relu", "tanh", "sigmoid")
POOLINGS = {"max": F.max_pool2d, "average": F.avg_pool2d, "sum": F.sum_pool2d}
MAX_DEPTH = 8


class ConvBlock(Module):
    """Several 3x3 convolutions in a row, all with padding "same", each followed by an activation or None."""

    operations_are_fixed = True

    def __init__(self, channels: list[int], activations: list[str | None], rng: np.random.Generator):
        self.convs = [
            Conv2d(c_in, c_out, 3, padding=1, activation=activation, rng=rng)
            for c_in, c_out, activation in zip(channels[:-1], channels[1:], activations, strict=True)
        ]

    def forward(self, x: Any) -> Tensor:
        for conv in self.convs:
            x = conv(x)
        return x


class UpBlock(Module):
    """One level of the expansion: the up-convolution, the skip joined in front of its result, two convolutions."""

    operations_are_fixed = True

    def __init__(self, channels: int, activation: str, rng: np.random.Generator):
        self.up = ConvTranspose2d(2 * channels, channels, 2, 2, rng=rng)
        self.block = ConvBlock([2 * channels, channels, channels], [activation, activation], rng)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.block((skip, self.up(x)))  # a pair is convolved as if concatenated, without making that copy


class UNet(Module):
    """A U-Net that turns images into logits, one value per pixel and output channel; sigmoid(logits) is the probability.

    Parameters
    ----------
    in_channels : int
        1 for grey images, 3 for colour.
    out_channels : int
        Number of masks to predict.
    base_channels : int
        Channels at full resolution; level k has base_channels * 2**k.
    depth : int
        Number of poolings, 1 to 8.
    variant : {"paper", "classic"}
        "paper": two 3x3 convolutions, each with ReLU, per level, a third before each pooling (what is pooled is also the
        skip), and a 3x3 convolution at the end (Elkhazraje). "classic": two per level, 1x1 at the end (Ronneberger et al.).
    activation : {"relu", "tanh", "sigmoid"}
    pooling : {"max", "average", "sum"}
        "avg" means "average".
    block_end_relu : bool
        Whether the last convolution of each contraction block is followed by the activation.
    rng : numpy.random.Generator, optional
        Draws the initial weights; None means default_rng(0).

    Attributes
    ----------
    config : dict
        The arguments above except `rng`, as plain numbers and strings; `UNet(**model.config)` has the same architecture.
    recompute : bool
        Set it to True to train in less memory: each block saves only its input and runs again in the backward pass
        (gradient checkpointing). The gradients are the same.

    Raises
    ------
    ValueError
        If an argument does not fit; the message lists every one.

    Examples
    --------
    >>> model = UNet(base_channels=2, depth=1)
    >>> model(np.zeros((1, 5, 7, 1), np.float32)).shape
    (1, 5, 7, 1)
    """

    operations_are_fixed = True

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        *,
        base_channels: int = 64,
        depth: int = 4,
        variant: str = "paper",
        activation: str = "relu",
        pooling: str = "max",
        block_end_relu: bool = True,
        rng: np.random.Generator | None = None,
    ):
        settings: dict[str, Any] = {
            "in_channels": in_channels,
            "out_channels": out_channels,
            "base_channels": base_channels,
            "depth": depth,
            "variant": variant,
            "activation": activation,
            "pooling": "average" if pooling == "avg" else pooling,
            "block_end_relu": bool(block_end_relu),
        }
        _check(settings)
        self.config: dict[str, Any] = {
            name: int(value) if is_whole_number(value) else value for name, value in settings.items()
        }
        self.recompute = False
        rng = generator(rng)
        widths = [base_channels * 2**k for k in range(depth + 1)]
        before = [in_channels, *widths]
        per_block = 3 if variant == "paper" else 2
        ends = [activation] * (per_block - 1) + [activation if block_end_relu else None]
        self.contraction = [ConvBlock([before[k]] + [widths[k]] * per_block, ends, rng) for k in range(depth)]
        self.bottleneck = ConvBlock([before[depth], widths[depth], widths[depth]], [activation] * 2, rng)
        self.expansion = [UpBlock(widths[k], activation, rng) for k in reversed(range(depth))]
        kernel_size = 3 if variant == "paper" else 1
        self.head = Conv2d(base_channels, out_channels, kernel_size, padding=kernel_size // 2, rng=rng)

    def forward(self, x: TensorLike) -> Tensor:
        """Logits (N, H, W, out_channels) of images (N, H, W, in_channels), for any H and W of at least 1.

        If a side is not a multiple of 2**depth, zeros are added at the bottom and right, as the convolutions do at every
        border, and the result is cropped.
        """
        x = conform(x, self.head.weight)
        if x.ndim != 4 or x.shape[3] != self.config["in_channels"] or min(x.shape[1:3]) < 1:
            raise ValueError(
                f"UNet: x must have shape (N, H, W, {self.config['in_channels']}) with H and W at least 1, got {x.shape}"
                + layout_advice(x.shape, self.config["in_channels"])
            )
        if is_recording():
            from minunet.nn.recorded_pass import recorded_output  # which a first prediction does not need

            output = recorded_output(self, self._compute, x)
            if output is not None:
                return output
        return self._compute(x)

    def _compute(self, x: Tensor) -> Tensor:
        height, width = x.shape[1:3]
        padded = self.padded_size(height, width)
        if padded != (height, width):
            x = F.pad_or_crop(x, padded)
        pool = POOLINGS[self.config["pooling"]]
        skips = []
        for block in self.contraction:
            skips.append(self._run(block, x))
            x = pool(skips[-1])
        x = self._run(self.bottleneck, x)
        for level in self.expansion:
            x = self._run(level, x, skips.pop())
        logits = self.head(x)
        return logits if padded == (height, width) else F.pad_or_crop(logits, (height, width))

    def extra_repr(self) -> str:
        from minunet.nn.model_text import arguments_text

        return arguments_text(self, always=("in_channels", "out_channels", "base_channels", "depth", "variant"))

    def padded_size(self, height: int, width: int) -> tuple[int, int]:
        """The size at which images of a size are computed: each side a multiple of 2**depth.

        Parameters
        ----------
        height, width : int
            In pixels.

        Returns
        -------
        tuple of int
            (height, width).

        Examples
        --------
        >>> UNet(base_channels=1, depth=3).padded_size(100, 64)
        (104, 64)
        """
        multiple = 2 ** self.config["depth"]
        return -(-height // multiple) * multiple, -(-width // multiple) * multiple

    def _run(self, block: Module, *inputs: Tensor) -> Tensor:
        if self.recompute and is_recording():
            from minunet.autograd.recompute import recompute  # which a prediction does not need

            return recompute(block, inputs, block.parameters())
        return block(*inputs)


def _check(config: dict[str, Any]) -> None:
    """Raise one error that lists every problem of the settings."""
    problems = [
        f"{name} must be a whole number of at least 1, got {config[name]!r}"
        for name in ("in_channels", "out_channels", "base_channels")
        if not is_whole_number(config[name]) or config[name] < 1
    ]
    if not is_whole_number(config["depth"]) or not 1 <= config["depth"] <= MAX_DEPTH:
        problems.append(f"depth must be a whole number from 1 to {MAX_DEPTH}, got {config['depth']!r}")
    for name, choices in (("variant", VARIANTS), ("activation", ACTIVATIONS), ("pooling", tuple(POOLINGS))):
        if config[name] not in choices:
            problems.append(f"{name} must be one of {', '.join(choices)}, got {config[name]!r}")
    if problems:
        raise ValueError("UNet: " + "; ".join(problems))
