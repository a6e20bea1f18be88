"""Launches max and sum pooling and their gradients. The kernels are in pooling.cu."""

from __future__ import annotations

import ctypes

import numpy as np

from minunet.kernels.backend import Array
from minunet.kernels.cuda.devices import launcher_for, on_device, supports
from minunet.kernels.cuda.dtypes import ceil_div, cpp_type
from minunet.kernels.cuda.launcher import run
from minunet.kernels.cuda.program import Program
from minunet.kernels.primitives import argmax_dtype, out_size, symmetric
from minunet.kernels.primitives.windows import IntPair

THREADS = 256
TYPES = ("float", "double", "bfloat16")
INDEX_TYPES = {"uint8": "unsigned char", "uint16": "unsigned short"}

POOLING = Program(
    "pooling.cu",
    (
        *(
            f"{kernel}<{t}, {i}>"
            for kernel in ("max_pool", "max_pool_gradient")
            for t in TYPES
            for i in INDEX_TYPES.values()
        ),
        *(f"{kernel}<{t}>" for kernel in ("sum_pool", "sum_pool_gradient") for t in TYPES),
        *(f"add_unpooled<{t}>" for t in ("float", "bfloat16")),
    ),
    registers=64,
)


class Pool(ctypes.Structure):
    """Mirrors `Pool` in pooling.cu."""

    _fields_ = [
        (name, ctypes.c_int)
        for name in (
            "height",
            "width",
            "channels",
            "out_height",
            "out_width",
            "kernel_height",
            "kernel_width",
            "stride_height",
            "stride_width",
            "padding_height",
            "padding_width",
        )
    ]


def supports_pool(x: Array, *_: object) -> bool:
    """Whether the kernels can pool this array."""
    return supports(x)


def supports_max_pool2d_grad(grad_output: Array, argmax: Array, *_: object) -> bool:
    """Whether the kernels can compute this gradient."""
    return supports(grad_output) and on_device(argmax) and argmax.dtype.name in INDEX_TYPES


def max_pool2d(x: Array, kernel_size: IntPair, stride: IntPair, padding: IntPair) -> tuple[Array, Array]:
    """See `primitives.max_pool2d`."""
    shape, pool = _pool(x.shape, kernel_size, stride, padding)
    launcher = launcher_for(x)
    y, argmax = launcher.empty(shape, x.dtype), launcher.empty(shape, np.dtype(argmax_dtype(kernel_size)))
    _launch(f"max_pool<{cpp_type(x)}, {INDEX_TYPES[argmax.dtype.name]}>", [x, y, argmax], pool, y)
    return y, argmax


def max_pool2d_values(x: Array, kernel_size: IntPair, stride: IntPair, padding: IntPair) -> Array:
    """See `primitives.max_pool2d_values`."""
    return max_pool2d(x, kernel_size, stride, padding)[0]


def max_pool2d_grad(
    grad_output: Array, argmax: Array, x_shape: tuple[int, ...], kernel_size: IntPair, stride: IntPair, padding: IntPair
) -> Array:
    """See `primitives.max_pool2d_grad`."""
    _, pool = _pool(x_shape, kernel_size, stride, padding)
    grad_x = launcher_for(grad_output).empty(x_shape, grad_output.dtype)
    instance = f"max_pool_gradient<{cpp_type(grad_output)}, {INDEX_TYPES[argmax.dtype.name]}>"
    _launch(instance, [grad_output, argmax, grad_x], pool, grad_x)
    return grad_x


def sum_pool2d(x: Array, kernel_size: IntPair, stride: IntPair, padding: IntPair) -> Array:
    """See `primitives.sum_pool2d`."""
    shape, pool = _pool(x.shape, kernel_size, stride, padding)
    y = launcher_for(x).empty(shape, x.dtype)
    _launch(f"sum_pool<{cpp_type(x)}>", [x, y], pool, y)
    return y


def sum_pool2d_grad(
    grad_output: Array, x_shape: tuple[int, ...], kernel_size: IntPair, stride: IntPair, padding: IntPair
) -> Array:
    """See `primitives.sum_pool2d_grad`."""
    _, pool = _pool(x_shape, kernel_size, stride, padding)
    grad_x = launcher_for(grad_output).empty(x_shape, grad_output.dtype)
    _launch(f"sum_pool_gradient<{cpp_type(grad_output)}>", [grad_output, grad_x], pool, grad_x)
    return grad_x


def add_unpooled(pooled_grad: Array, argmax: Array, grad: Array, *, round_to_tf32: bool = False) -> None:
    """Add the gradient of 2x2 max pooling to `grad`, the gradient of its input; the channels fill whole chunks of 16 bytes.

    Parameters
    ----------
    round_to_tf32 : bool
        Round float32 results to tf32.
    """
    _, out_height, out_width, channels = pooled_grad.shape
    count = pooled_grad.size * pooled_grad.dtype.itemsize // 16
    run(
        launcher_for(grad),
        POOLING,
        f"add_unpooled<{cpp_type(grad)}>",
        grid=(ceil_div(count, THREADS),),
        block=THREADS,
        arguments=[
            pooled_grad,
            argmax,
            grad,
            *map(ctypes.c_int, (out_height, out_width, channels)),
            ctypes.c_longlong(count),
            ctypes.c_int(round_to_tf32),
        ],
    )


def _pool(
    x_shape: tuple[int, ...], kernel_size: IntPair, stride: IntPair, padding: IntPair
) -> tuple[tuple[int, ...], Pool]:
    """The shape of the result, and the argument of the kernels."""
    n, h, w, channels = x_shape
    size = out_size((h, w), kernel_size, stride, symmetric(padding))
    return (n, *size, channels), Pool(h, w, channels, *size, *kernel_size, *stride, *padding)


def _launch(instance: str, arrays: list[Array], pool: Pool, out: Array) -> None:
    run(
        launcher_for(out),
        POOLING,
        instance,
        grid=(ceil_div(out.size, THREADS),),
        block=THREADS,
        arguments=[*arrays, pool, ctypes.c_longlong(out.size)],
    )
