"""Layers, networks and optimizers; layers and networks own their parameters."""

import importlib as _importlib
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from minunet.nn import optim
from minunet.nn.layers import Conv2d, ConvTranspose2d, Linear, Sequential
from minunet.nn.module import Module, Parameter
from minunet.nn.unet import UNet

if _TYPE_CHECKING:
    from minunet.nn.convnet import ConvNet as ConvNet
    from minunet.nn.plain_layers import Dropout as Dropout
    from minunet.nn.plain_layers import Flatten as Flatten
    from minunet.nn.plain_layers import ReLU as ReLU
    from minunet.nn.plain_layers import Sigmoid as Sigmoid
    from minunet.nn.plain_layers import Softmax as Softmax
    from minunet.nn.plain_layers import Tanh as Tanh
    from minunet.nn.pooling_layers import AvgPool2d as AvgPool2d
    from minunet.nn.pooling_layers import MaxPool2d as MaxPool2d
    from minunet.nn.pooling_layers import SumPool2d as SumPool2d

# Imported at their first use: the U-Net calls the operations itself.
_LATER = {
    "ConvNet": "minunet.nn.convnet",
    **dict.fromkeys(["Dropout", "Flatten", "ReLU", "Sigmoid", "Softmax", "Tanh"], "minunet.nn.plain_layers"),
    **dict.fromkeys(["AvgPool2d", "MaxPool2d", "SumPool2d"], "minunet.nn.pooling_layers"),
}

__all__ = [
    "Conv2d",
    "ConvTranspose2d",
    "Linear",
    "Module",
    "Parameter",
    "Sequential",
    "UNet",
    "optim",
    *_LATER,
]


def __getattr__(name: str) -> _Any:
    if name in _LATER:
        return getattr(_importlib.import_module(_LATER[name]), name)
    raise AttributeError(f"module 'minunet.nn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
