"""Launches the activation kernels: ReLU, tanh, sigmoid, softmax and their gradients. The kernels are in activation.cu."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable

from minunet.kernels.backend import Array
from minunet.kernels.cuda.devices import launcher_for, supports
from minunet.kernels.cuda.dtypes import ceil_div, cpp_type
from minunet.kernels.cuda.launcher import run
from minunet.kernels.cuda.program import Program

THREADS = 256
BLOCK_ROWS = THREADS // 32  # softmax: one warp for each row
NAMES = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}
TYPES = ("float", "double", "bfloat16")

ACTIVATION = Program(
    "activation.cu",
    (
        *(
            f"{kernel}<{name}, {t}>"
            for kernel in ("activate", "activate_gradient")
            for name in NAMES.values()
            for t in TYPES
        ),
        *(f"{kernel}<{t}>" for kernel in ("softmax", "softmax_gradient") for t in TYPES),
    ),
    registers=64,
)


def supports_softmax(x: Array, *_: object) -> bool:
    """Whether the kernel can compute the softmax of this array."""
    return supports(x)


def supports_softmax_grad(grad_output: Array, y: Array, *_: object) -> bool:
    """Whether the kernel can compute this gradient."""
    return supports(grad_output, y)


def activate(name: str) -> Callable[[Array], Array]:
    """The function that computes `primitives.relu`, `tanh` or `sigmoid`."""

    def value(x: Array) -> Array:
        y = launcher_for(x).empty(x.shape, x.dtype)
        return _elementwise(f"activate<{NAMES[name]}, {cpp_type(x)}>", [x, y], y)

    return value


def activate_gradient(name: str) -> Callable[[Array, Array], Array]:
    """The function that computes the gradient of `name` from the output `y`."""

    def gradient(grad_output: Array, y: Array) -> Array:
        out = launcher_for(y).empty(y.shape, y.dtype)
        return _elementwise(f"activate_gradient<{NAMES[name]}, {cpp_type(y)}>", [grad_output, y, out], out)

    return gradient


def softmax(x: Array, axis: int) -> Array:
    """See `primitives.softmax`."""
    y = launcher_for(x).empty(x.shape, x.dtype)
    return _rows(f"softmax<{cpp_type(x)}>", [x, y], y, axis)


def softmax_grad(grad_output: Array, y: Array, axis: int) -> Array:
    """See `primitives.softmax_grad`."""
    out = launcher_for(y).empty(y.shape, y.dtype)
    return _rows(f"softmax_gradient<{cpp_type(y)}>", [grad_output, y, out], out, axis)


def _elementwise(instance: str, arrays: list[Array], out: Array) -> Array:
    run(
        launcher_for(out),
        ACTIVATION,
        instance,
        grid=(ceil_div(out.size, THREADS),),
        block=THREADS,
        arguments=[*arrays, ctypes.c_longlong(out.size)],
    )
    return out


def _rows(instance: str, arrays: list[Array], out: Array, axis: int) -> Array:
    length = out.shape[axis]
    inner = math.prod(out.shape[axis % out.ndim + 1 :])
    rows = out.size // length if length else 0
    run(
        launcher_for(out),
        ACTIVATION,
        instance,
        grid=(ceil_div(rows, BLOCK_ROWS),),
        block=THREADS,
        arguments=[*arrays, ctypes.c_int(length), ctypes.c_int(inner), ctypes.c_longlong(rows)],
    )
    return out
