"""A new operation with its derivative, proved against finite differences, and a layer that uses it.

    python examples/new_layer.py

The operation is softplus, log(1 + e^x), a smooth ReLU; its derivative is the sigmoid.
"""

import numpy as np

import minunet
from minunet.autograd.function import Function


class Softplus(Function):
    """y = log(1 + e^x)
    dx = g / (1 + e^-x)"""

    def forward(self, x):
        self.save(x)  # only what the backward pass needs
        return np.logaddexp(0, x).astype(x.dtype)

    def backward(self, grad_output):
        (x,) = self.saved
        return (grad_output / (1 + np.exp(-x)),)


class SmoothConv(minunet.nn.Module):
    """A 3x3 convolution and softplus."""

    def __init__(self, in_channels, out_channels, rng=None):
        self.conv = minunet.nn.Conv2d(in_channels, out_channels, 3, padding=1, rng=rng)

    def forward(self, x):
        return Softplus().apply(self.conv(x))


rng = np.random.default_rng(0)
print("gradcheck of the operation:", minunet.gradcheck(lambda x: Softplus().apply(x), [rng.normal(size=(2, 5))]))
layer = SmoothConv(1, 4, rng)
print("output of the layer:", layer(rng.normal(size=(1, 6, 7, 1)).astype(np.float32)).shape)
