"""Layers, networks and optimizers; layers and networks own their parameters."""

from minunet.nn import optim
from minunet.nn.convnet import ConvNet
from minunet.nn.layers import (
    AvgPool2d,
    Conv2d,
    ConvTranspose2d,
    Dropout,
    Flatten,
    Linear,
    MaxPool2d,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    SumPool2d,
    Tanh,
)
from minunet.nn.module import Module, Parameter
from minunet.nn.unet import UNet

__all__ = [
    "AvgPool2d",
    "Conv2d",
    "ConvNet",
    "ConvTranspose2d",
    "Dropout",
    "Flatten",
    "Linear",
    "MaxPool2d",
    "Module",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "SumPool2d",
    "Tanh",
    "UNet",
    "optim",
]
