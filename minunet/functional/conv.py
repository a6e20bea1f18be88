"""Convolution and up-convolution (transposed convolution) of channels-last images.

Both multiply windows of an image with a kernel; the second is the first one's transpose and so enlarges.
"""

from __future__ import annotations

from typing import Any

from minunet.autograd import Function, Tensor, as_tensor
from minunet.functional.arguments import Pair, contiguous, images, pair, same_dtype
from minunet.kernels import reference

Padding = tuple[Pair, Pair]  # ((top, bottom), (left, right))
ACTIVATIONS = (None, "relu")


class Conv2d(Function):
    """y[n, h, w, o] = b[o] + sum over i, j, c of x[n, h*sh + i - top, w*sw + j - left, c] * weight[i, j, c, o]."""

    returns_fresh_arrays = True

    def __init__(self, stride: Pair, padding: Padding, activation: str | None = None):
        self.stride, self.padding, self.activation = stride, padding, activation

    def forward(self, *arrays: Any) -> Any:
        *xs, weight, bias = arrays
        xs = [contiguous(x) for x in xs]
        y = reference.conv2d(tuple(xs), weight, bias, self.stride, self.padding, self.activation)
        self.save(tuple(xs), weight, y if self.activation else None)
        return y

    def backward(self, grad_output: Any) -> tuple[Any, ...]:
        xs, weight, y = self.saved
        *needs_x, needs_weight, needs_bias = self.needs_input_grad
        grad_xs, grad_weight, grad_bias = reference.conv2d_grads(
            contiguous(grad_output),
            xs,
            weight,
            y,
            self.stride,
            self.padding,
            (tuple(needs_x), needs_weight, needs_bias),
        )
        return *grad_xs, grad_weight, grad_bias


class ConvTranspose2d(Function):
    """y[n, h*sh + i - ph, w*sw + j - pw, o] += x[n, h, w, c] * weight[i, j, c, o]."""

    returns_fresh_arrays = True

    def __init__(self, stride: Pair, padding: Pair):
        self.stride, self.padding = stride, padding

    def forward(self, x: Any, weight: Any, bias: Any) -> Any:
        x = contiguous(x)
        self.save(x, weight)
        return reference.conv_transpose2d(x, weight, bias, self.stride, self.padding)

    def backward(self, grad_output: Any) -> tuple[Any, ...]:
        x, weight = self.saved
        return reference.conv_transpose2d_grads(
            contiguous(grad_output), x, weight, self.stride, self.padding, self.needs_input_grad
        )


def conv2d(
    x: Any, weight: Any, bias: Any = None, *, stride: Any = 1, padding: Any = 0, activation: str | None = None
) -> Tensor:
    """Two-dimensional cross-correlation, which deep learning calls convolution (Dumoulin and Visin 2016, section 2).

    Parameters
    ----------
    x : Tensor (N, H, W, C_in), or a tuple of them
        A tuple is read as if joined along the channels, in order, without being copied together.
    weight : Tensor (kh, kw, C_in, C_out)
        The depth C_out is the number of filters.
    bias : Tensor (C_out,), optional
    stride : int or pair
        Step of the window in pixels, vertical and horizontal.
    padding : int, pair, "same" or "valid"
        Zeros around the image. "same" (wide) gives ceil(H / stride) rows, with the odd one at the bottom and right as
        TensorFlow does; "valid" (narrow) is 0.
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
    """
    parts = x if isinstance(x, (tuple, list)) else (x,)
    if not parts:
        raise ValueError("conv2d: x is an empty tuple; give at least one tensor")
    xs = tuple(images("conv2d", "x" if len(parts) == 1 else f"x[{k}]", part) for k, part in enumerate(parts))
    weight = kernel_weights("conv2d", weight)
    if any(part.shape[:3] != xs[0].shape[:3] for part in xs):
        raise ValueError(f"conv2d: the tensors in x must agree but for channels, got {[part.shape for part in xs]}")
    channels = sum(part.shape[3] for part in xs)
    if channels != weight.shape[2]:
        raise ValueError(
            f"conv2d: x has {channels} channels, but weight of shape {weight.shape} takes {weight.shape[2]}"
        )
    bias = check_bias("conv2d", bias, weight)
    same_dtype(
        "conv2d", {"x": xs[0], **{f"x[{k}]": p for k, p in enumerate(xs[1:], 1)}, "weight": weight, "bias": bias}
    )
    if activation not in ACTIVATIONS:
        raise ValueError(f'conv2d: activation must be None or "relu", got {activation!r}')
    stride = pair("conv2d", "stride", stride, 1)
    size, kernel_size = xs[0].shape[1:3], weight.shape[:2]
    resolved = resolve_padding(padding, size, kernel_size, stride)
    if any(n + sum(p) < k for n, p, k in zip(size, resolved, kernel_size, strict=True)):
        raise ValueError(
            f"conv2d: the {kernel_size[0]}x{kernel_size[1]} kernel is larger than the padded image, "
            f"{size[0]}x{size[1]} with padding {padding!r}"
        )
    return Conv2d(stride, resolved, activation).apply(*xs, weight, bias)


def conv_transpose2d(x: Any, weight: Any, bias: Any = None, *, stride: Any = 2, padding: Any = 0) -> Tensor:
    """The up-convolution: each input pixel stamps the kernel, scaled by its value, on the output.

    It is the transpose of convolution (Dumoulin and Visin 2016, section 4).

    Parameters
    ----------
    x : Tensor (N, H, W, C_in)
    weight : Tensor (kh, kw, C_in, C_out)
    bias : Tensor (C_out,), optional
    stride : int or pair
        Distance of neighbouring stamps in output pixels.
    padding : int or pair
        Rows and columns cut from each side of the output.

    Returns
    -------
    Tensor (N, (H - 1) * stride + kh - 2 * padding, (W - 1) * stride + kw - 2 * padding, C_out)

    Raises
    ------
    ValueError
        If a shape, dtype or option does not fit, or nothing would be left of the output.
    """
    x = images("conv_transpose2d", "x", x)
    weight = kernel_weights("conv_transpose2d", weight)
    if x.shape[3] != weight.shape[2]:
        raise ValueError(
            f"conv_transpose2d: x has {x.shape[3]} channels, but weight of shape {weight.shape} takes {weight.shape[2]}"
        )
    bias = check_bias("conv_transpose2d", bias, weight)
    same_dtype("conv_transpose2d", {"x": x, "weight": weight, "bias": bias})
    stride = pair("conv_transpose2d", "stride", stride, 1)
    cut = pair("conv_transpose2d", "padding", padding, 0)
    size = [(n - 1) * s + k - 2 * p for n, s, k, p in zip(x.shape[1:3], stride, weight.shape[:2], cut, strict=True)]
    if min(size) < 1:
        raise ValueError(f"conv_transpose2d: padding {padding!r} leaves an output of {size[0]}x{size[1]} pixels")
    return ConvTranspose2d(stride, cut).apply(x, weight, bias)


def resolve_padding(padding: Any, size: Pair, kernel_size: Pair, stride: Pair) -> Padding:
    """((top, bottom), (left, right)) for an int, a pair, "same" or "valid"."""
    if padding == "valid":
        return (0, 0), (0, 0)
    if padding == "same":
        # The last of the ceil(n / s) windows must end inside the padded image.
        totals = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(size, kernel_size, stride, strict=True)]
        return (totals[0] // 2, totals[0] - totals[0] // 2), (totals[1] // 2, totals[1] - totals[1] // 2)
    if isinstance(padding, str):
        raise ValueError(f'conv2d: padding must be an integer, a pair, "same" or "valid", got {padding!r}')
    ph, pw = pair("conv2d", "padding", padding, 0)
    return (ph, ph), (pw, pw)


def kernel_weights(operation: str, weight: Any) -> Tensor:
    """A kernel of shape (kh, kw, C_in, C_out)."""
    tensor = as_tensor(weight)
    if tensor.ndim != 4 or min(tensor.shape) < 1:
        raise ValueError(f"{operation}: weight must have shape (kh, kw, C_in, C_out), got {tensor.shape}")
    return tensor


def check_bias(operation: str, bias: Any, weight: Tensor) -> Tensor | None:
    """A bias of one number per output channel, or None."""
    if bias is None:
        return None
    tensor = as_tensor(bias)
    if tensor.shape != weight.shape[-1:]:
        raise ValueError(f"{operation}: bias must have shape {weight.shape[-1:]}, got {tensor.shape}")
    return tensor
