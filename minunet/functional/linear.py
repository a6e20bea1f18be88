"""The fully connected layer, and the flattening of images to its input."""

from __future__ import annotations

from minunet.autograd import Tensor, TensorLike, as_tensor
from minunet.functional.conv import check_bias
from minunet.functional.primitive_function import PrimitiveFunction
from minunet.functional.validation import tensors
from minunet.kernels import primitives
from minunet.kernels.backend import Array


class Linear(PrimitiveFunction):
    """A matrix product on the last axis, plus a bias; sums run over all leading axes.

    y = x @ weight + bias
    dx = g @ weight^T
    dweight = x^T @ g
    dbias = sum of g
    """

    def forward(self, x: Array, weight: Array, bias: Array | None) -> Array:
        needs_x, needs_weight, _ = self.needs_input_grad
        self.save(x if needs_weight else None, weight if needs_x else None)
        y = primitives.matmul(x, weight)  # (..., in) @ (in, out)
        if bias is not None:
            y += bias
        return y

    def backward(self, grad_output: Array) -> tuple[Array | None, ...]:
        x, weight = self.saved
        needs_x, needs_weight, needs_bias = self.needs_input_grad
        (inputs, outputs), _ = self.input_types[1]
        flat_grad = grad_output.reshape(-1, outputs)  # (rows, out)
        return (
            primitives.matmul(grad_output, weight.T) if needs_x else None,
            primitives.matmul(x.reshape(-1, inputs).T, flat_grad) if needs_weight else None,  # (in, rows) @ (rows, out)
            primitives.sum_rows(flat_grad) if needs_bias else None,
        )


def linear(x: TensorLike, weight: TensorLike, bias: TensorLike | None = None) -> Tensor:
    """Fully connected layer: x @ weight + bias.

    Parameters
    ----------
    x : Tensor (..., in)
        Any number of leading axes.
    weight : Tensor (in, out)
    bias : Tensor (out,), optional

    Returns
    -------
    Tensor (..., out)

    Raises
    ------
    ValueError
        If the shapes or dtypes do not fit.

    Examples
    --------
    >>> linear([[1.0, 2.0]], [[1.0, 0.0, 3.0], [0.0, 1.0, 3.0]], [0.0, 0.5, 0.0])
    Tensor([[1. , 2.5, 9. ]], dtype=float32)
    """
    given = tensors("linear", {"x": x, "weight": weight, "bias": bias})
    x, weight = given["x"], given["weight"]
    if weight.ndim != 2 or min(weight.shape) < 1:
        raise ValueError(f"linear: weight must have shape (in, out), got {weight.shape}")
    if x.ndim < 1 or x.shape[-1] != weight.shape[0]:
        raise ValueError(
            f"linear: x of shape {x.shape} does not end in the {weight.shape[0]} inputs of weight {weight.shape}"
        )
    return Linear().apply(x, weight, check_bias("linear", given.get("bias"), weight))


def flatten(x: TensorLike) -> Tensor:
    """Reshape (N, ...) to (N, product of the rest): each image becomes a row.

    Parameters
    ----------
    x : Tensor (N, ...)

    Returns
    -------
    Tensor (N, product of the rest)

    Raises
    ------
    ValueError
        If `x` is a single number.

    Examples
    --------
    >>> import numpy as np
    >>> flatten(np.zeros((2, 4, 5, 3))).shape
    (2, 60)
    """
    x = as_tensor(x)
    if x.ndim == 0:
        raise ValueError("flatten: x must have a batch axis, got shape ()")
    count = 1
    for length in x.shape[1:]:
        count *= length
    return x.reshape(x.shape[0], count)
