"""Every primitive in the plainest array code, for NumPy and CuPy alike.

It is what a student reads first, and what every fast path is held against. In the order of reading:

- `windows`: the places of a window, the padded image, the size of what comes out
- `conv`: convolution and up-convolution, and their gradients
- `pooling`: max and sum pooling
- `activation`: ReLU, tanh, sigmoid, softmax
- `loss`: binary cross-entropy on logits
- `optim`: Adam's step

Shapes: activations (N, H, W, C), convolution weights (kh, kw, C_in, C_out). Strides and window sizes are (vertical,
horizontal) pairs. A gradient's first argument is the gradient of the loss with respect to the operation's output.
"""

from minunet.kernels.primitives.activation import (
    relu,
    relu_grad,
    sigmoid,
    sigmoid_grad,
    softmax,
    softmax_grad,
    tanh,
    tanh_grad,
)
from minunet.kernels.primitives.conv import conv2d, conv2d_grads, conv_transpose2d, conv_transpose2d_grads, sum_rows
from minunet.kernels.primitives.loss import bce_with_logits, bce_with_logits_grad
from minunet.kernels.primitives.optim import adam
from minunet.kernels.primitives.pooling import (
    argmax_dtype,
    max_pool2d,
    max_pool2d_grad,
    max_pool2d_values,
    sum_pool2d,
    sum_pool2d_grad,
)
from minunet.kernels.primitives.windows import out_size, pad_image, taps

__all__ = [
    "adam",
    "argmax_dtype",
    "bce_with_logits",
    "bce_with_logits_grad",
    "conv2d",
    "conv2d_grads",
    "conv_transpose2d",
    "conv_transpose2d_grads",
    "max_pool2d",
    "max_pool2d_grad",
    "max_pool2d_values",
    "out_size",
    "pad_image",
    "relu",
    "relu_grad",
    "sigmoid",
    "sigmoid_grad",
    "softmax",
    "softmax_grad",
    "sum_pool2d",
    "sum_pool2d_grad",
    "sum_rows",
    "tanh",
    "tanh_grad",
    "taps",
]
