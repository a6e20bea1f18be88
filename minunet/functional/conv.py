"""Convolution and up-convolution (transposed convolution) of channels-last images.

Both multiply windows of an image with a kernel. The second is the transpose of the first, so it enlarges an image.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minunet.autograd import Tensor, TensorLike
from minunet.functional.layout_advice import layout_advice
from minunet.functional.primitive_function import PrimitiveFunction
from minunet.functional.validation import IntOrPair, images, pair, tensors
from minunet.kernels import primitives
from minunet.kernels.backend import Array
from minunet.kernels.ownership import other_holders
from minunet.kernels.primitives import OVERWRITE, IntPair, Padding, symmetric

ACTIVATIONS = (None, "relu")


class Conv2d(PrimitiveFunction):
    """Cross-correlation with a kernel (kh, kw), stride (sh, sw) and padding ((top, bottom), (left, right)).

    With p = h sh + i - top and q = w sw + j - left, the input pixel that output pixel (h, w) meets at offset (i, j):

    y[n, h, w, o] = bias[o] + sum over i, j, c of x[n, p, q, c] weight[i, j, c, o]
    dx[n, p, q, c] = sum over i, j, o of g[n, h, w, o] weight[i, j, c, o]
    dweight[i, j, c, o] = sum over n, h, w of x[n, p, q, c] g[n, h, w, o]
    dbias[o] = sum over n, h, w of g[n, h, w, o]

    x is 0 outside the image. Several inputs x_0, x_1, ... are read as one x, joined along the channels. With activation
    "relu" the output is max(y, 0), and g is set to 0 where the output is 0.
    """

    only_primitives = True

    def __init__(self, stride: IntPair, padding: Padding, activation: str | None = None):
        self.stride, self.padding, self.activation = stride, padding, activation

    def forward(self, *x_weight_bias: Array | None) -> Array:
        *xs, weight, bias = x_weight_bias
        y = primitives.conv2d(tuple(xs), weight, bias, self.stride, self.padding, self.activation)
        self.save(tuple(xs), weight, y if self.activation else None)
        return y

    def backward(self, grad_output: Array) -> tuple[Array | None, ...]:
        xs, weight, y = self.saved
        *needs_x, needs_weight, needs_bias = self.needs_input_grad
        last = [needed and self._is_last_reader(k) for k, needed in enumerate(needs_x)]
        if any(last):
            self.is_released = True  # from now on: an interrupted pass must not begin again
        kinds = tuple(OVERWRITE if k else needed for k, needed in zip(last, needs_x, strict=True))
        needs = (kinds, needs_weight, needs_bias)
        grad_xs, grad_weight, grad_bias = primitives.conv2d_grads(
            grad_output, xs, weight, y, self.stride, self.padding, needs
        )
        return *grad_xs, grad_weight, grad_bias

    def _is_last_reader(self, k: int) -> bool:
        """Whether nobody else refers to input k any more, so that its gradient may take its place.

        Of the convolution that made it, whose ReLU reads it again, the signs are kept instead.
        """
        xs, maker = self._saved[0], self.edges[k]
        if type(xs[k]) is not np.ndarray:
            return False
        if other_holders(xs, k) == 1 and isinstance(maker, Conv2d) and maker._saved[2] is xs[k]:
            maker._saved = (*maker._saved[:2], primitives.is_positive(xs[k]))
        return other_holders(xs, k) == 0


class ConvTranspose2d(PrimitiveFunction):
    """The transpose of cross-correlation, with kernel (kh, kw), stride (sh, sw), and (ph, pw) pixels cut from each side.

    With p = h sh + i - ph and q = w sw + j - pw, the output pixel that input pixel (h, w) meets at offset (i, j):

    y[n, p, q, o] = bias[o] + sum over i, j, c of x[n, h, w, c] weight[i, j, c, o]
    dx[n, h, w, c] = sum over i, j, o of g[n, p, q, o] weight[i, j, c, o]
    dweight[i, j, c, o] = sum over n, h, w of x[n, h, w, c] g[n, p, q, o]
    dbias[o] = sum over n, p, q of g[n, p, q, o]

    g is 0 where (p, q) was cut.
    """

    only_primitives = True

    def __init__(self, stride: IntPair, padding: IntPair):
        self.stride, self.padding = stride, padding

    def forward(self, x: Array, weight: Array, bias: Array | None) -> Array:
        self.save(x, weight)
        return primitives.conv_transpose2d(x, weight, bias, self.stride, self.padding)

    def backward(self, grad_output: Array) -> tuple[Array | None, ...]:
        x, weight = self.saved
        return primitives.conv_transpose2d_grads(
            grad_output, x, weight, self.stride, self.padding, self.needs_input_grad
        )


def conv2d(
    x: TensorLike | Sequence[TensorLike],
    weight: TensorLike,
    bias: TensorLike | None = None,
    *,
    stride: IntOrPair = 1,
    padding: IntOrPair | str = 0,
    activation: str | None = None,
) -> Tensor:
    """Two-dimensional cross-correlation, which deep learning calls convolution (Dumoulin and Visin 2016, section 2).

    Parameters
    ----------
    x : Tensor (N, H, W, C_in), or a tuple of them
        A tuple is read as if joined along the channels, in order, but without making that copy.
    weight : Tensor (kh, kw, C_in, C_out)
        C_out is the number of filters.
    bias : Tensor (C_out,), optional
    stride : int or pair
        Step of the window in pixels, vertical and horizontal.
    padding : int, pair, "same" or "valid"
        Zeros around the image. "same" (wide) gives ceil(H / stride) rows; an odd number of zeros has the extra row
        at the bottom and the extra column at the right, as in TensorFlow. "valid" (narrow) is 0.
    activation : None or "relu"
        "relu" applies max(y, 0) as the result is written.

    Returns
    -------
    Tensor (N, H', W', C_out)
        H' = floor((H + padding - kh) / stride) + 1, the same for W'.

    Raises
    ------
    ValueError
        If a shape, dtype or option does not fit; the message names the argument and its value.
    TypeError
        If `x` or `weight` is None.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> images, weight = rng.random((2, 8, 10, 3)), rng.random((3, 3, 3, 16))
    >>> conv2d(images, weight, padding="same", activation="relu").shape
    (2, 8, 10, 16)
    """
    # A list of Tensors or arrays is read like a tuple; a list of lists of numbers is one batch of images.
    is_sequence = isinstance(x, tuple) or (isinstance(x, list) and not isinstance(next(iter(x), None), (list, tuple)))
    parts: Any = x if is_sequence else (x,)
    if not parts:
        raise ValueError("conv2d: x is an empty tuple; give at least one tensor")
    names = [f"x[{k}]" for k in range(len(parts))] if is_sequence else ["x"]
    given = tensors("conv2d", {**dict(zip(names, parts, strict=True)), "weight": weight, "bias": bias})
    weight = kernel_weights("conv2d", given["weight"])
    takes = weight.shape[2] if len(names) == 1 else None
    xs = tuple(images("conv2d", name, given[name], takes) for name in names)
    if any(part.shape[:3] != xs[0].shape[:3] for part in xs):
        raise ValueError(
            f"conv2d: the tensors in x must agree except in their channels, got {[part.shape for part in xs]}"
        )
    channels = sum(part.shape[3] for part in xs)
    if channels != weight.shape[2]:
        raise ValueError(
            f"conv2d: x has {channels} channels, but weight of shape {weight.shape} takes {weight.shape[2]}"
            + (layout_advice(xs[0].shape, weight.shape[2]) if len(xs) == 1 else "")
        )
    bias = check_bias("conv2d", given.get("bias"), weight)
    if activation not in ACTIVATIONS:
        raise ValueError(f'conv2d: activation must be None or "relu", got {activation!r}')
    stride = pair("conv2d", "stride", stride, 1)
    size, kernel_size = xs[0].shape[1:3], weight.shape[:2]
    around = resolve_padding(padding, size, kernel_size, stride)
    if any(n + sum(p) < k for n, p, k in zip(size, around, kernel_size, strict=True)):
        raise ValueError(
            f"conv2d: the {kernel_size[0]}x{kernel_size[1]} kernel is larger than the padded image, "
            f"{size[0]}x{size[1]} with padding {padding!r}"
        )
    return Conv2d(stride, around, activation).apply(*xs, weight, bias)


def conv_transpose2d(
    x: TensorLike, weight: TensorLike, bias: TensorLike | None = None, *, stride: IntOrPair = 2, padding: IntOrPair = 0
) -> Tensor:
    """The up-convolution: each input pixel adds the kernel, scaled by its value, to the output.

    It is the transpose of convolution (Dumoulin and Visin 2016, section 4).

    Parameters
    ----------
    x : Tensor (N, H, W, C_in)
    weight : Tensor (kh, kw, C_in, C_out)
    bias : Tensor (C_out,), optional
    stride : int or pair
        Distance in output pixels between the kernels of neighbouring input pixels.
    padding : int or pair
        Rows and columns cut from each side of the output.

    Returns
    -------
    Tensor (N, H', W', C_out)
        H' = (H - 1) stride + kh - 2 padding, the same for W'.

    Raises
    ------
    ValueError
        If a shape, dtype or option does not fit, or the padding would remove the whole output.
    TypeError
        If `x` or `weight` is None.

    Examples
    --------
    >>> import numpy as np
    >>> conv_transpose2d(np.ones((2, 8, 10, 16)), np.ones((2, 2, 16, 4))).shape
    (2, 16, 20, 4)
    """
    given = tensors("conv_transpose2d", {"x": x, "weight": weight, "bias": bias})
    weight = kernel_weights("conv_transpose2d", given["weight"])
    x = images("conv_transpose2d", "x", given["x"], weight.shape[2])
    if x.shape[3] != weight.shape[2]:
        raise ValueError(
            f"conv_transpose2d: x has {x.shape[3]} channels, but weight of shape {weight.shape} takes {weight.shape[2]}"
            + layout_advice(x.shape, weight.shape[2])
        )
    bias = check_bias("conv_transpose2d", given.get("bias"), weight)
    stride = pair("conv_transpose2d", "stride", stride, 1)
    cut = pair("conv_transpose2d", "padding", padding, 0)
    size = primitives.conv_transpose_out_size(x.shape[1:3], weight.shape[:2], stride, cut)
    if min(size) < 1:
        raise ValueError(f"conv_transpose2d: padding {padding!r} leaves an output of {size[0]}x{size[1]} pixels")
    return ConvTranspose2d(stride, cut).apply(x, weight, bias)


def resolve_padding(
    padding: IntOrPair | str, size: Sequence[int], kernel_size: Sequence[int], stride: IntPair
) -> Padding:
    """((top, bottom), (left, right)) for an int, a pair, "same" or "valid"."""
    checked = check_padding("conv2d", padding)
    if not isinstance(checked, str):
        return symmetric(checked)
    if checked == "valid":
        return symmetric((0, 0))
    # "same": the last of the ceil(n / s) windows must end inside the padded image.
    totals = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(size, kernel_size, stride, strict=True)]
    return (totals[0] // 2, totals[0] - totals[0] // 2), (totals[1] // 2, totals[1] - totals[1] // 2)


def check_padding(operation: str, padding: IntOrPair | str) -> IntPair | str:
    """`padding` as a pair of numbers that are at least 0, or "same" or "valid"."""
    if not isinstance(padding, str):
        return pair(operation, "padding", padding, 0)
    if padding not in ("same", "valid"):
        raise ValueError(f'{operation}: padding must be an integer, a pair, "same" or "valid", got {padding!r}')
    return padding


def kernel_weights(operation: str, weight: Tensor) -> Tensor:
    """A kernel of shape (kh, kw, C_in, C_out)."""
    if weight.ndim != 4 or min(weight.shape) < 1:
        raise ValueError(f"{operation}: weight must have shape (kh, kw, C_in, C_out), got {weight.shape}")
    return weight


def check_bias(operation: str, bias: Tensor | None, weight: Tensor) -> Tensor | None:
    """A bias of one number per output channel, or None."""
    if bias is not None and bias.shape != weight.shape[-1:]:
        raise ValueError(f"{operation}: bias must have shape {weight.shape[-1:]}, got {bias.shape}")
    return bias
