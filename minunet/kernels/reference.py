"""Every primitive in the plainest array code, for NumPy and CuPy alike.

It is what a student reads first, and what every fast path is held against.

Shapes: activations (N, H, W, C), convolution weights (kh, kw, C_in, C_out). Strides and window sizes are (vertical,
horizontal) pairs. A gradient's first argument is the gradient of the loss with respect to the operation's output.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minunet.kernels.backend import array_module
from minunet.kernels.dispatch import primitive

Array = Any  # a NumPy or a CuPy array
Pair = tuple[int, int]


def taps(kernel_size: Pair, stride: Pair, out_size: Pair):
    """For each place (i, j) in the window, the rows and columns of the (padded) input that it meets, one per output pixel.

    Yields (i, j, rows, columns); `padded[:, rows, columns]` has the output's height and width.
    """
    (kh, kw), (sh, sw), (out_h, out_w) = kernel_size, stride, out_size
    for i in range(kh):
        for j in range(kw):
            yield i, j, slice(i, i + (out_h - 1) * sh + 1, sh), slice(j, j + (out_w - 1) * sw + 1, sw)


def pad_image(x: Array, padding: tuple[Pair, Pair], value: float = 0.0) -> Array:
    """(N, H, W, C) with `value` added around the image: padding is ((top, bottom), (left, right))."""
    (top, bottom), (left, right) = padding
    if not (top or bottom or left or right):
        return x
    n, h, w, c = x.shape
    padded = array_module(x).full((n, h + top + bottom, w + left + right, c), value, dtype=x.dtype)
    padded[:, top : top + h, left : left + w] = x
    return padded


def out_size(size: Pair, kernel_size: Pair, stride: Pair, padding: tuple[Pair, Pair]) -> Pair:
    """Height and width after a window of `kernel_size` moved over the padded image: floor((in + pad - k) / s) + 1."""
    h, w = (
        (n + before + after - k) // s + 1
        for n, k, s, (before, after) in zip(size, kernel_size, stride, padding, strict=True)
    )
    return h, w


def sum_rows(matrix: Array) -> Array:
    """The sum of a matrix's rows, in blocks of about sqrt(rows) rows whose sums are then added.

    NumPy adds rows one after another: in float32 two million rows of 0.1 come out 1.7 % too large, and a bias of a
    full-resolution layer is summed over as many. The blocks bring that to about 1e-5, and faster.
    """
    rows, columns = matrix.shape
    block = math.isqrt(rows)
    if block < 2:
        return matrix.sum(axis=0)
    whole = rows // block * block
    # (blocks, block * columns) -> (block, columns): long runs of memory are added to each other
    partial = matrix[:whole].reshape(rows // block, block * columns).sum(axis=0).reshape(block, columns)
    return partial.sum(axis=0) + matrix[whole:].sum(axis=0)


# Convolution: y[n, h, w, o] = b[o] + sum over i, j, c of x[n, h*sh + i - top, w*sw + j - left, c] * weight[i, j, c, o]


@primitive
def conv2d(xs: tuple[Array, ...], weight: Array, bias: Array | None, stride: Pair, padding, activation: str | None):
    """Cross-correlation of the images in `xs`, read as if joined along channels; optional bias and ReLU.

    xs: tuple of (N, H, W, C_k); weight (kh, kw, sum of C_k, O); bias (O,) or None; padding ((top, bottom), (left, right));
    activation None or "relu". Returns (N, H', W', O).
    """
    xp = array_module(weight)
    x = xs[0] if len(xs) == 1 else xp.concatenate(xs, axis=-1)
    kernel_size, (n, h, w, _) = weight.shape[:2], x.shape
    size = out_size((h, w), kernel_size, stride, padding)
    padded = pad_image(x, padding)
    y = xp.zeros((n, *size, weight.shape[3]), dtype=x.dtype)
    for i, j, rows, columns in taps(kernel_size, stride, size):
        y += padded[:, rows, columns] @ weight[i, j]  # (N, H', W', C) @ (C, O)
    if bias is not None:
        y += bias
    return xp.maximum(y, 0, out=y) if activation == "relu" else y


@primitive
def conv2d_grads(
    grad_output: Array, xs: tuple[Array, ...], weight: Array, output: Array | None, stride, padding, needs
):
    """Gradients of `conv2d`: (one per x, weight, bias), None where `needs` says so.

    `output` is the saved result where a ReLU was fused (its zeros stop the gradient), else None.
    `needs` is (one bool per x, weight, bias).
    """
    xp = array_module(weight)
    needs_x, needs_weight, needs_bias = needs
    if output is not None:
        grad_output = xp.where(output > 0, grad_output, 0)
    x = xs[0] if len(xs) == 1 else xp.concatenate(xs, axis=-1)
    kernel_size, (h, w) = weight.shape[:2], x.shape[1:3]
    (top, _), (left, _) = padding
    padded = pad_image(x, padding)
    flat_grad = grad_output.reshape(-1, weight.shape[3])  # (N*H'*W', O)
    grad_padded = xp.zeros_like(padded) if any(needs_x) else None
    grad_weight = xp.empty_like(weight) if needs_weight else None
    for i, j, rows, columns in taps(kernel_size, stride, grad_output.shape[1:3]):
        if grad_weight is not None:
            seen = padded[:, rows, columns].reshape(-1, weight.shape[2])  # (N*H'*W', C)
            grad_weight[i, j] = seen.T @ flat_grad
        if grad_padded is not None:
            grad_padded[:, rows, columns] += grad_output @ weight[i, j].T
    grad_bias = sum_rows(flat_grad) if needs_bias else None
    grad_xs: list[Array | None] = [None] * len(xs)
    if grad_padded is not None:
        grad_x = grad_padded[:, top : top + h, left : left + w]
        first = 0
        for k, part in enumerate(xs):
            last = first + part.shape[-1]
            grad_xs[k] = xp.ascontiguousarray(grad_x[..., first:last]) if needs_x[k] else None
            first = last
    return tuple(grad_xs), grad_weight, grad_bias


# Up-convolution: y[n, h*sh + i - ph, w*sw + j - pw, o] += x[n, h, w, c] * weight[i, j, c, o]


@primitive
def conv_transpose2d(x: Array, weight: Array, bias: Array | None, stride: Pair, padding: Pair):
    """The transpose of convolution: every input pixel stamps the kernel, scaled, on the output.

    x (N, H, W, C); weight (kh, kw, C, O); `padding`, (vertical, horizontal), is cut from each side of the result
    (N, (H - 1) * sh + kh - 2 * ph, (W - 1) * sw + kw - 2 * pw, O).
    """
    xp = array_module(weight)
    (n, h, w, _), (kh, kw, _, out_channels) = x.shape, weight.shape
    full_h, full_w = (h - 1) * stride[0] + kh, (w - 1) * stride[1] + kw
    full = xp.zeros((n, full_h, full_w, out_channels), dtype=x.dtype)
    for i, j, rows, columns in taps((kh, kw), stride, (h, w)):
        full[:, rows, columns] += x @ weight[i, j]
    y = xp.ascontiguousarray(full[:, padding[0] : full_h - padding[0], padding[1] : full_w - padding[1]])
    if bias is not None:
        y += bias
    return y


@primitive
def conv_transpose2d_grads(grad_output: Array, x: Array, weight: Array, stride: Pair, padding: Pair, needs):
    """Gradients of `conv_transpose2d`: (x, weight, bias), None where `needs`, three bools, says so."""
    xp = array_module(weight)
    needs_x, needs_weight, needs_bias = needs
    (h, w), (kh, kw) = x.shape[1:3], weight.shape[:2]
    full = pad_image(grad_output, ((padding[0], padding[0]), (padding[1], padding[1])))
    grad_x = xp.zeros_like(x) if needs_x else None
    grad_weight = xp.empty_like(weight) if needs_weight else None
    for i, j, rows, columns in taps((kh, kw), stride, (h, w)):
        stamped = full[:, rows, columns]  # (N, H, W, O): where pixel (h, w) put tap (i, j)
        if grad_x is not None:
            grad_x += stamped @ weight[i, j].T
        if grad_weight is not None:
            grad_weight[i, j] = x.reshape(-1, x.shape[3]).T @ stamped.reshape(-1, stamped.shape[3])
    grad_bias = sum_rows(grad_output.reshape(-1, weight.shape[3])) if needs_bias else None
    return grad_x, grad_weight, grad_bias


# Pooling


def _symmetric(padding: Pair) -> tuple[Pair, Pair]:
    return (padding[0], padding[0]), (padding[1], padding[1])


def argmax_dtype(kernel_size: Pair) -> type:
    """The smallest integer type that counts the places of a window."""
    return np.uint8 if kernel_size[0] * kernel_size[1] <= 256 else np.uint16


@primitive
def max_pool2d(x: Array, kernel_size: Pair, stride: Pair, padding: Pair):
    """The largest value in each window and its place in the window, row-major; the first of equal values wins.

    Padding counts as minus infinity but never wins, not even over an image of minus infinities. NaN wins over
    everything, so that a diverged training is seen.
    """
    xp = array_module(x)
    (_, kw), (sh, sw), (ph, pw) = kernel_size, stride, padding
    out_h, out_w = out_size(x.shape[1:3], kernel_size, stride, _symmetric(padding))
    padded = pad_image(x, _symmetric(padding), -np.inf)
    # The winner to begin with: the first pixel of the window that lies in the image.
    first_row = np.maximum(ph - np.arange(out_h) * sh, 0)[:, None, None]
    first_column = np.maximum(pw - np.arange(out_w) * sw, 0)[:, None]
    argmax = xp.empty((x.shape[0], out_h, out_w, x.shape[3]), dtype=argmax_dtype(kernel_size))
    argmax[...] = xp.asarray(first_row * kw + first_column)
    y = xp.full(argmax.shape, -np.inf, dtype=x.dtype)
    for i, j, rows, columns in taps(kernel_size, stride, (out_h, out_w)):
        seen = padded[:, rows, columns]
        wins = (seen > y) | ((seen != seen) & (y == y))
        y = xp.where(wins, seen, y)
        argmax[wins] = i * kw + j
    return y, argmax


@primitive
def max_pool2d_values(x: Array, kernel_size: Pair, stride: Pair, padding: Pair):
    """The values of `max_pool2d` without their places, for where no gradient will be asked for."""
    return max_pool2d.reference.run(x, kernel_size, stride, padding)[0]


@primitive
def max_pool2d_grad(grad_output: Array, argmax: Array, x_shape: tuple[int, ...], kernel_size, stride, padding):
    """The gradient goes to the winner of each window, summed where windows overlap."""
    xp = array_module(grad_output)
    padded = xp.zeros(
        (x_shape[0], x_shape[1] + 2 * padding[0], x_shape[2] + 2 * padding[1], x_shape[3]), grad_output.dtype
    )
    for i, j, rows, columns in taps(kernel_size, stride, grad_output.shape[1:3]):
        padded[:, rows, columns] += xp.where(argmax == i * kernel_size[1] + j, grad_output, 0)
    return _crop(padded, x_shape, padding)


@primitive
def sum_pool2d(x: Array, kernel_size: Pair, stride: Pair, padding: Pair):
    """The sum of each window; padding counts as zero."""
    xp = array_module(x)
    size = out_size(x.shape[1:3], kernel_size, stride, _symmetric(padding))
    padded = pad_image(x, _symmetric(padding))
    y = xp.zeros((x.shape[0], *size, x.shape[3]), dtype=x.dtype)
    for _, _, rows, columns in taps(kernel_size, stride, size):
        y += padded[:, rows, columns]
    return y


@primitive
def sum_pool2d_grad(grad_output: Array, x_shape: tuple[int, ...], kernel_size, stride, padding):
    """Every pixel of a window receives the window's gradient."""
    xp = array_module(grad_output)
    padded = xp.zeros(
        (x_shape[0], x_shape[1] + 2 * padding[0], x_shape[2] + 2 * padding[1], x_shape[3]), grad_output.dtype
    )
    for _, _, rows, columns in taps(kernel_size, stride, grad_output.shape[1:3]):
        padded[:, rows, columns] += grad_output
    return _crop(padded, x_shape, padding)


def _crop(padded: Array, x_shape: tuple[int, ...], padding: Pair) -> Array:
    (ph, pw), (_, h, w, _) = padding, x_shape
    return array_module(padded).ascontiguousarray(padded[:, ph : ph + h, pw : pw + w])


# Activations: each gradient is written in terms of the output y, which is all that has to be kept.


@primitive
def relu(x: Array) -> Array:
    """max(x, 0)."""
    return array_module(x).maximum(x, 0)


@primitive
def relu_grad(grad_output: Array, y: Array) -> Array:
    """g where y > 0, else 0 (even where g is not finite)."""
    return array_module(y).where(y > 0, grad_output, 0)


@primitive
def tanh(x: Array) -> Array:
    """Hyperbolic tangent."""
    return array_module(x).tanh(x)


@primitive
def tanh_grad(grad_output: Array, y: Array) -> Array:
    """g (1 - y^2)."""
    return grad_output * (1 - y * y)


@primitive
def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), from exp(-|x|) alone, which cannot overflow."""
    xp = array_module(x)
    e = xp.exp(-xp.abs(x))
    return xp.where(x >= 0, xp.ones_like(e), e) / (1 + e)


@primitive
def sigmoid_grad(grad_output: Array, y: Array) -> Array:
    """g y (1 - y)."""
    return grad_output * (y * (1 - y))


@primitive
def softmax(x: Array, axis: int) -> Array:
    """exp(x) / sum of exp(x) along the axis; the largest score is subtracted first, so that exp cannot overflow."""
    xp = array_module(x)
    e = xp.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


@primitive
def softmax_grad(grad_output: Array, y: Array, axis: int) -> Array:
    """y (g - sum of g y along the axis)."""
    return y * (grad_output - (grad_output * y).sum(axis=axis, keepdims=True))


# Binary cross-entropy on logits z and targets t: mean of w (max(z, 0) - z t + log(1 + exp(-|z|)))


@primitive
def bce_with_logits(logits: Array, target: Array, weight: Array | None) -> Array:
    """The loss, 0-d. The form with exp(-|z|) overflows for no logit."""
    xp = array_module(logits)
    loss = xp.maximum(logits, 0) - logits * target + xp.log1p(xp.exp(-xp.abs(logits)))
    if weight is not None:
        loss = loss * weight
    return loss.mean()


@primitive
def bce_with_logits_grad(grad_output: Array, logits: Array, target: Array, weight: Array | None) -> Array:
    """g w (sigmoid(z) - t) / n."""
    grad = (sigmoid.reference.run(logits) - target) * (grad_output / logits.size)
    return grad if weight is None else grad * weight


@primitive
def adam(params, grads, exp_avgs, exp_avg_sqs, step, lr, betas, eps, weight_decay) -> None:
    """One step of Adam (Kingma and Ba 2015, algorithm 1), in place on every parameter and its two moments.

    m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;  p -= lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps),
    where g includes weight_decay * p. `step` is t, counted from 1.
    """
    beta1, beta2 = betas
    for param, grad, exp_avg, exp_avg_sq in zip(params, grads, exp_avgs, exp_avg_sqs, strict=True):
        xp = array_module(param)
        if weight_decay:
            grad = grad + weight_decay * param
        exp_avg *= beta1
        exp_avg += (1 - beta1) * grad
        exp_avg_sq *= beta2
        exp_avg_sq += (1 - beta2) * (grad * grad)
        denominator = xp.sqrt(exp_avg_sq) / (1 - beta2**step) ** 0.5 + eps
        param -= (lr / (1 - beta1**step)) * exp_avg / denominator
