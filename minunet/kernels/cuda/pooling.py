"""Launches the pooling kernels."""

from __future__ import annotations

import ctypes
from typing import Any

from minunet.kernels.cuda.dtypes import ceil_div, cpp_type, takes
from minunet.kernels.cuda.launcher import launcher_for, run, serves
from minunet.kernels.cuda.program import Program
from minunet.kernels.primitives import argmax_dtype, out_size, symmetric

THREADS = 256
TYPES = ("float", "double", "bfloat16")
INDEX = {"uint8": "unsigned char", "uint16": "unsigned short"}

POOLING = Program(
    "pooling.cu",
    (
        *(f"{kernel}<{t}, {i}>" for kernel in ("max_pool", "max_pool_gradient") for t in TYPES for i in INDEX.values()),
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


def takes_pool(x, kernel_size, stride, padding) -> bool:
    """Whether the kernels can pool this array."""
    return takes(x)


def takes_max_pool2d_grad(grad_output, argmax, x_shape, kernel_size, stride, padding) -> bool:
    """Whether the kernels can take this gradient back."""
    return takes(grad_output) and serves(argmax) and argmax.dtype.name in INDEX


def takes_sum_pool2d_grad(grad_output, x_shape, kernel_size, stride, padding) -> bool:
    """Whether the kernels can take this gradient back."""
    return takes(grad_output)


def max_pool2d(x, kernel_size, stride, padding):
    """See `primitives.max_pool2d`."""
    shape, pool = _pool(x.shape, kernel_size, stride, padding)
    launcher = launcher_for(x)
    y, argmax = launcher.empty(shape, x.dtype), launcher.empty(shape, argmax_dtype(kernel_size))
    _launch(f"max_pool<{cpp_type(x)}, {INDEX[argmax.dtype.name]}>", [x, y, argmax], pool, y)
    return y, argmax


def max_pool2d_values(x, kernel_size, stride, padding):
    """See `primitives.max_pool2d_values`."""
    return max_pool2d(x, kernel_size, stride, padding)[0]


def max_pool2d_grad(grad_output, argmax, x_shape, kernel_size, stride, padding):
    """See `primitives.max_pool2d_grad`."""
    _, pool = _pool(x_shape, kernel_size, stride, padding)
    grad_x = launcher_for(grad_output).empty(x_shape, grad_output.dtype)
    instance = f"max_pool_gradient<{cpp_type(grad_output)}, {INDEX[argmax.dtype.name]}>"
    _launch(instance, [grad_output, argmax, grad_x], pool, grad_x)
    return grad_x


def sum_pool2d(x, kernel_size, stride, padding):
    """See `primitives.sum_pool2d`."""
    shape, pool = _pool(x.shape, kernel_size, stride, padding)
    y = launcher_for(x).empty(shape, x.dtype)
    _launch(f"sum_pool<{cpp_type(x)}>", [x, y], pool, y)
    return y


def sum_pool2d_grad(grad_output, x_shape, kernel_size, stride, padding):
    """See `primitives.sum_pool2d_grad`."""
    _, pool = _pool(x_shape, kernel_size, stride, padding)
    grad_x = launcher_for(grad_output).empty(x_shape, grad_output.dtype)
    _launch(f"sum_pool_gradient<{cpp_type(grad_output)}>", [grad_output, grad_x], pool, grad_x)
    return grad_x


def add_unpooled(pooled_grad, argmax, grad, *, rounded: bool = False) -> None:
    """Add the gradient of 2x2 max pooling to `grad`, that of its input; channels fill whole 16-byte chunks.

    `rounded` leaves sums of float32 as tf32 values.
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
            ctypes.c_int(rounded),
        ],
    )


def _pool(x_shape, kernel_size, stride, padding) -> tuple[tuple[int, ...], Pool]:
    n, h, w, channels = x_shape
    size = out_size((h, w), kernel_size, stride, symmetric(padding))
    return (n, *size, channels), Pool(h, w, channels, *size, *kernel_size, *stride, *padding)


def _launch(instance: str, arrays: list[Any], pool: Pool, out: Any) -> None:
    run(
        launcher_for(out),
        POOLING,
        instance,
        grid=(ceil_div(out.size, THREADS),),
        block=THREADS,
        arguments=[*arrays, pool, ctypes.c_longlong(out.size)],
    )
