"""Layers: modules that hold the weights and settings of convolutions and matrix products, and modules in sequence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minunet import functional as F
from minunet.autograd import Tensor, TensorLike
from minunet.functional.conv import check_padding
from minunet.functional.validation import IntOrPair, is_whole_number, pair
from minunet.nn.init import generator, glorot_uniform, he_normal
from minunet.nn.module import Module, Parameter

UNFUSED_ACTIVATIONS: dict[str | None, Callable[[Any], Tensor]] = {"tanh": F.tanh, "sigmoid": F.sigmoid}


class Sequential(Module):
    """Modules applied one after the other; parameters are named by the module's index, such as "0.weight".

    Parameters
    ----------
    *layers : Module
        Operations without parameters are modules too, such as `ReLU()` for `minunet.functional.relu`.

    Raises
    ------
    TypeError
        If a layer is no Module.

    Examples
    --------
    >>> from minunet import nn
    >>> model = Sequential(Conv2d(1, 4, 3, padding="same"), nn.ReLU(), nn.MaxPool2d())
    >>> model(np.zeros((1, 8, 10, 1), np.float32)).shape
    (1, 4, 5, 4)
    """

    def __init__(self, *layers: Module):
        for k, layer in enumerate(layers):
            if not isinstance(layer, Module):
                raise TypeError(
                    f"Sequential: layer {k} is not a Module but {type(layer).__name__}; pass each layer as an argument"
                )
            setattr(self, str(k), layer)

    def forward(self, x: Any) -> Tensor:
        for _, layer in self.children():
            x = layer(x)
        return x

    def __len__(self) -> int:
        return sum(1 for _ in self.children())

    def __getitem__(self, k: int) -> Module:
        return [layer for _, layer in self.children()][k]


def _count(layer: str, name: str, value: Any) -> int:
    if not is_whole_number(value) or value < 1:
        raise ValueError(f"{layer}: {name} must be a whole number of at least 1, got {value!r}")
    return int(value)


class Conv2d(Module):
    """A convolution with its weights; see `minunet.functional.conv2d`.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride : int or pair
    padding : int, pair, "same" or "valid"
    activation : None, "relu", "tanh" or "sigmoid"
        Applied to the result; ReLU needs no extra pass over the memory.
    bias : bool
    rng : numpy.random.Generator, optional
        Draws the weights, (kh, kw, in, out): He's normal before a ReLU or nothing, Glorot's uniform before tanh and
        sigmoid. None means default_rng(0). Biases start at 0.

    Raises
    ------
    ValueError
        If an argument does not fit; the message names it and its value.

    Examples
    --------
    >>> layer = Conv2d(3, 16, 3, padding="same", activation="relu")
    >>> layer(np.zeros((2, 8, 10, 3), np.float32)).shape, layer.weight.shape
    ((2, 8, 10, 16), (3, 3, 3, 16))
    """

    operations_are_fixed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntOrPair,
        stride: IntOrPair = 1,
        padding: IntOrPair | str = 0,
        *,
        activation: str | None = None,
        bias: bool = True,
        rng: np.random.Generator | None = None,
    ):
        self.in_channels = _count("Conv2d", "in_channels", in_channels)
        self.out_channels = _count("Conv2d", "out_channels", out_channels)
        if activation not in (None, "relu", *UNFUSED_ACTIVATIONS):
            raise ValueError(f'Conv2d: activation must be None, "relu", "tanh" or "sigmoid", got {activation!r}')
        kh, kw = self.kernel_size = pair("Conv2d", "kernel_size", kernel_size, 1)
        self.stride = pair("Conv2d", "stride", stride, 1)
        self.padding, self.activation = check_padding("Conv2d", padding), activation
        shape = (kh, kw, self.in_channels, self.out_channels)
        fan_in, fan_out = kh * kw * self.in_channels, kh * kw * self.out_channels
        if activation in UNFUSED_ACTIVATIONS:
            weight = glorot_uniform(shape, fan_in, fan_out, generator(rng))
        else:
            weight = he_normal(shape, fan_in, generator(rng))
        self.weight = Parameter(weight)
        self.bias = Parameter(np.zeros(self.out_channels, np.float32)) if bias else None

    def forward(self, x: TensorLike | Sequence[TensorLike]) -> Tensor:
        fused = "relu" if self.activation == "relu" else None
        y = F.conv2d(x, self.weight, self.bias, stride=self.stride, padding=self.padding, activation=fused)
        return UNFUSED_ACTIVATIONS[self.activation](y) if self.activation in UNFUSED_ACTIVATIONS else y


class ConvTranspose2d(Module):
    """The up-convolution with its weights; see `minunet.functional.conv_transpose2d`.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, padding : int or pair
    bias : bool
    rng : numpy.random.Generator, optional
        Draws the weights, (kh, kw, in, out), Glorot's uniform. None means default_rng(0). Biases start at 0.

    Raises
    ------
    ValueError
        If an argument does not fit; the message names it and its value.

    Examples
    --------
    >>> ConvTranspose2d(16, 8)(np.zeros((2, 4, 5, 16), np.float32)).shape
    (2, 8, 10, 8)
    """

    operations_are_fixed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntOrPair = 2,
        stride: IntOrPair = 2,
        padding: IntOrPair = 0,
        *,
        bias: bool = True,
        rng: np.random.Generator | None = None,
    ):
        self.in_channels = _count("ConvTranspose2d", "in_channels", in_channels)
        self.out_channels = _count("ConvTranspose2d", "out_channels", out_channels)
        kh, kw = self.kernel_size = pair("ConvTranspose2d", "kernel_size", kernel_size, 1)
        sh, sw = self.stride = pair("ConvTranspose2d", "stride", stride, 1)
        self.padding = pair("ConvTranspose2d", "padding", padding, 0)
        # On average each output pixel is a sum over kh kw / (sh sw) input pixels of in_channels values each.
        fan_in, fan_out = max(1, round(self.in_channels * kh * kw / (sh * sw))), self.out_channels * kh * kw
        shape = (kh, kw, self.in_channels, self.out_channels)
        self.weight = Parameter(glorot_uniform(shape, fan_in, fan_out, generator(rng)))
        self.bias = Parameter(np.zeros(self.out_channels, np.float32)) if bias else None

    def forward(self, x: TensorLike) -> Tensor:
        return F.conv_transpose2d(x, self.weight, self.bias, stride=self.stride, padding=self.padding)


class Linear(Module):
    """Fully connected layer on the last axis: x @ weight + bias.

    Parameters
    ----------
    in_features, out_features : int
    bias : bool
    rng : numpy.random.Generator, optional
        Draws the weights, (in, out), Glorot's uniform. None means default_rng(0). Biases start at 0.

    Raises
    ------
    ValueError
        If a number of features is not a whole number of at least 1.

    Examples
    --------
    >>> Linear(3, 2)(np.zeros((5, 3), np.float32)).shape
    (5, 2)
    """

    def __init__(
        self, in_features: int, out_features: int, *, bias: bool = True, rng: np.random.Generator | None = None
    ):
        fan_in = self.in_features = _count("Linear", "in_features", in_features)
        fan_out = self.out_features = _count("Linear", "out_features", out_features)
        self.weight = Parameter(glorot_uniform((fan_in, fan_out), fan_in, fan_out, generator(rng)))
        self.bias = Parameter(np.zeros(fan_out, np.float32)) if bias else None

    def forward(self, x: TensorLike) -> Tensor:
        return F.linear(x, self.weight, self.bias)
