"""The primitives: the operations on arrays that everything else is built from.

`primitives.conv2d(...)` dispatches to the fastest applicable path (im2col, Winograd, CUDA, ...). The plain implementation,
written here for NumPy and CuPy alike, is `primitives.conv2d.reference(...)`: read it to learn what the operation does; the
tests compare every fast path with it. The shape and dtype of a result are registered next to each reference. In reading order:

- `windows`: offsets inside a window, the padded image, the size of a result
- `conv`: convolution and up-convolution, and their gradients
- `pooling`: max and sum pooling
- `activation`: ReLU, tanh, sigmoid, softmax
- `loss`: binary cross-entropy on logits
- `product`: the matrix product
- `optim`: Adam's step

Shapes: activations (N, H, W, C), convolution weights (kh, kw, C_in, C_out). Strides and window sizes are (vertical,
horizontal) pairs. Arrays are C-contiguous, which `minunet.functional` ensures, so that fast paths need not copy them. A
gradient's first argument is the gradient of the loss with respect to the operation's output.
"""

from minunet.kernels.primitives.activation import (
    is_positive,
    relu,
    relu_grad,
    sigmoid,
    sigmoid_grad,
    softmax,
    softmax_grad,
    tanh,
    tanh_grad,
)
from minunet.kernels.primitives.conv import (
    OVERWRITE,
    conv2d,
    conv2d_grads,
    conv_transpose2d,
    conv_transpose2d_grads,
    sum_rows,
)
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
from minunet.kernels.primitives.product import can_multiply, matmul, product_shape
from minunet.kernels.primitives.windows import (
    IntPair,
    Padding,
    conv_transpose_out_size,
    kernel_offsets,
    out_size,
    pad_image,
    symmetric,
)

__all__ = [
    "OVERWRITE",
    "IntPair",
    "Padding",
    "adam",
    "argmax_dtype",
    "bce_with_logits",
    "bce_with_logits_grad",
    "can_multiply",
    "conv2d",
    "conv2d_grads",
    "conv_transpose2d",
    "conv_transpose2d_grads",
    "conv_transpose_out_size",
    "is_positive",
    "kernel_offsets",
    "matmul",
    "max_pool2d",
    "max_pool2d_grad",
    "max_pool2d_values",
    "out_size",
    "pad_image",
    "product_shape",
    "relu",
    "relu_grad",
    "sigmoid",
    "sigmoid_grad",
    "softmax",
    "softmax_grad",
    "sum_pool2d",
    "sum_pool2d_grad",
    "sum_rows",
    "symmetric",
    "tanh",
    "tanh_grad",
]
