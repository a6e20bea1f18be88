"""The operations as functions: tensors in, tensor out, gradients recorded."""

from minunet.autograd.pad import pad
from minunet.functional.activation import relu, sigmoid, softmax, tanh
from minunet.functional.concat import concat
from minunet.functional.conv import conv2d, conv_transpose2d
from minunet.functional.dropout import dropout
from minunet.functional.linear import flatten, linear
from minunet.functional.loss import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    dice_loss,
)
from minunet.functional.pad_or_crop import pad_or_crop
from minunet.functional.pooling import avg_pool2d, max_pool2d, sum_pool2d
from minunet.functional.upsample import upsample2d

__all__ = [
    "avg_pool2d",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "concat",
    "conv2d",
    "conv_transpose2d",
    "cross_entropy",
    "dice_loss",
    "dropout",
    "flatten",
    "linear",
    "max_pool2d",
    "pad",
    "pad_or_crop",
    "relu",
    "sigmoid",
    "softmax",
    "sum_pool2d",
    "tanh",
    "upsample2d",
]
