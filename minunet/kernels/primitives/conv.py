"""Convolution and up-convolution with their gradients: a matrix product at every place of the window."""

from __future__ import annotations

import math

from minunet.kernels.backend import array_module
from minunet.kernels.dispatch import primitive
from minunet.kernels.primitives.windows import Array, Pair, out_size, pad_image, taps


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
