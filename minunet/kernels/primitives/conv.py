"""Convolution and up-convolution with their gradients: one matrix product for every offset inside the window."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

from minunet.kernels.array_spec import ArraySpec
from minunet.kernels.backend import Array, Arrays, array_module
from minunet.kernels.dispatch import primitive
from minunet.kernels.primitives.windows import (
    IntPair,
    Padding,
    conv_transpose_out_size,
    kernel_offsets,
    out_size,
    pad_image,
    symmetric,
)


def sum_rows(matrix: Array) -> Array:
    """The sum of a matrix's rows, in blocks of about sqrt(rows) rows whose sums are then added.

    NumPy adds rows one after another: in float32 two million rows of 0.1 come out 1.7 % too large, and the bias
    gradient of a full-resolution layer is a sum of as many. The blocks bring that to about 1e-5, and faster.
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


def _conv2d_result(
    xs: Arrays, weight: Array, bias: Array | None, stride: IntPair, padding: Padding, activation: str | None
) -> ArraySpec:
    n, h, w, _ = xs[0].shape
    return ArraySpec((n, *out_size((h, w), weight.shape[:2], stride, padding), weight.shape[3]), weight.dtype)


@primitive(result_spec=_conv2d_result)
def conv2d(
    xs: Arrays, weight: Array, bias: Array | None, stride: IntPair, padding: Padding, activation: str | None
) -> Array:
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
    for i, j, rows, columns in kernel_offsets(kernel_size, stride, size):
        y += padded[:, rows, columns] @ weight[i, j]  # (N, H', W', C) @ (C, O)
    if bias is not None:
        y += bias
    return xp.maximum(y, 0, out=y) if activation == "relu" else y


# The gradients of a convolution and of an up-convolution: which are needed, and the results, None where not needed.
Needs: TypeAlias = tuple[Sequence[int], bool, bool]  # (one per x: False, True or OVERWRITE; weight, bias)
OVERWRITE = 2  # the gradient of x is needed, and may be written over x, which nobody reads any more
ConvGrads: TypeAlias = tuple[tuple[Array | None, ...], Array | None, Array | None]
UpNeeds: TypeAlias = tuple[bool, bool, bool]  # (x, weight, bias)
UpGrads: TypeAlias = tuple[Array | None, Array | None, Array | None]


def _conv2d_grads_result(
    grad_output: Array, xs: Arrays, weight: Array, output: Array | None, stride: IntPair, padding: Padding, needs: Needs
) -> tuple[tuple[ArraySpec | Array | None, ...], ArraySpec | None, ArraySpec | None]:
    needs_x, needs_weight, needs_bias = needs
    return (
        tuple(_grad_x_result(x, needed) for x, needed in zip(xs, needs_x, strict=True)),
        ArraySpec.of(weight) if needs_weight else None,
        ArraySpec(weight.shape[3:], weight.dtype) if needs_bias else None,
    )


def _grad_x_result(x: Array, needed: int) -> ArraySpec | Array | None:
    if needed == OVERWRITE:
        return x
    return ArraySpec.of(x) if needed else None


@primitive(result_spec=_conv2d_grads_result)
def conv2d_grads(
    grad_output: Array, xs: Arrays, weight: Array, output: Array | None, stride: IntPair, padding: Padding, needs: Needs
) -> ConvGrads:
    """Gradients of `conv2d`: (one per x, weight, bias), None where not needed.

    `output` is the saved result if a ReLU was fused (its zeros stop the gradient), or where that is positive; else None.
    `needs` is (one per x, weight, bias), True or False. Where it is `OVERWRITE`, a fast path may write the gradient over x, to save
    memory.
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
    for i, j, rows, columns in kernel_offsets(kernel_size, stride, grad_output.shape[1:3]):
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


def _conv_transpose2d_result(
    x: Array, weight: Array, bias: Array | None, stride: IntPair, padding: IntPair
) -> ArraySpec:
    size = conv_transpose_out_size(x.shape[1:3], weight.shape[:2], stride, padding)
    return ArraySpec((x.shape[0], *size, weight.shape[3]), x.dtype)


@primitive(result_spec=_conv_transpose2d_result)
def conv_transpose2d(x: Array, weight: Array, bias: Array | None, stride: IntPair, padding: IntPair) -> Array:
    """The transpose of convolution: every input pixel adds the kernel, scaled by its value, to the output.

    x (N, H, W, C); weight (kh, kw, C, O); `padding`, (vertical, horizontal), is cut from each side of the result
    (N, H', W', O), whose size is `conv_transpose_out_size`.
    """
    xp = array_module(weight)
    (n, h, w, _), (kh, kw, _, out_channels) = x.shape, weight.shape
    full_h, full_w = conv_transpose_out_size((h, w), (kh, kw), stride)
    full = xp.zeros((n, full_h, full_w, out_channels), dtype=x.dtype)
    for i, j, rows, columns in kernel_offsets((kh, kw), stride, (h, w)):
        full[:, rows, columns] += x @ weight[i, j]
    y = xp.ascontiguousarray(full[:, padding[0] : full_h - padding[0], padding[1] : full_w - padding[1]])
    if bias is not None:
        y += bias
    return y


def _conv_transpose2d_grads_result(
    grad_output: Array, x: Array, weight: Array, stride: IntPair, padding: IntPair, needs: UpNeeds
) -> tuple[ArraySpec | None, ArraySpec | None, ArraySpec | None]:
    needs_x, needs_weight, needs_bias = needs
    return (
        ArraySpec.of(x) if needs_x else None,
        ArraySpec.of(weight) if needs_weight else None,
        ArraySpec(weight.shape[3:], weight.dtype) if needs_bias else None,
    )


@primitive(result_spec=_conv_transpose2d_grads_result)
def conv_transpose2d_grads(
    grad_output: Array, x: Array, weight: Array, stride: IntPair, padding: IntPair, needs: UpNeeds
) -> UpGrads:
    """Gradients of `conv_transpose2d`: (x, weight, bias), None where `needs` is False."""
    xp = array_module(weight)
    needs_x, needs_weight, needs_bias = needs
    (h, w), (kh, kw) = x.shape[1:3], weight.shape[:2]
    full = pad_image(grad_output, symmetric(padding))
    grad_x = xp.zeros_like(x) if needs_x else None
    grad_weight = xp.empty_like(weight) if needs_weight else None
    for i, j, rows, columns in kernel_offsets((kh, kw), stride, (h, w)):
        grad_window = full[:, rows, columns]  # (N, H, W, O): the gradient where pixel (h, w) added weight[i, j]
        if grad_x is not None:
            grad_x += grad_window @ weight[i, j].T
        if grad_weight is not None:
            grad_weight[i, j] = x.reshape(-1, x.shape[3]).T @ grad_window.reshape(-1, grad_window.shape[3])
    grad_bias = sum_rows(grad_output.reshape(-1, weight.shape[3])) if needs_bias else None
    return grad_x, grad_weight, grad_bias
