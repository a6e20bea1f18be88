"""Launches the activation kernels: ReLU, tanh, sigmoid, softmax and their gradients."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from minunet.kernels.cuda.dtypes import ceil_div, cpp_type, takes
from minunet.kernels.cuda.launcher import launcher_for, run
from minunet.kernels.cuda.program import Program

THREADS = 256
ROWS_A_BLOCK = THREADS // 32  # softmax gives each row a warp
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


def takes_softmax(x, axis) -> bool:
    """Whether the kernel can take this array."""
    return takes(x)


def takes_softmax_grad(grad_output, y, axis) -> bool:
    """Whether the kernel can take these arrays."""
    return takes(grad_output, y)


def activate(name: str) -> Callable[[Any], Any]:
    """The function that computes `primitives.relu`, `tanh` or `sigmoid`."""

    def value(x):
        y = launcher_for(x).empty(x.shape, x.dtype)
        return _elementwise(f"activate<{NAMES[name]}, {cpp_type(x)}>", [x, y], y)

    return value


def activate_gradient(name: str) -> Callable[[Any, Any], Any]:
    """The function that computes the gradient of `name`."""

    def gradient(grad_output, y):
        out = launcher_for(y).empty(y.shape, y.dtype)
        return _elementwise(f"activate_gradient<{NAMES[name]}, {cpp_type(y)}>", [grad_output, y, out], out)

    return gradient


def softmax(x, axis):
    """See `primitives.softmax`."""
    y = launcher_for(x).empty(x.shape, x.dtype)
    return _rows(f"softmax<{cpp_type(x)}>", [x, y], y, axis)


def softmax_grad(grad_output, y, axis):
    """See `primitives.softmax_grad`."""
    out = launcher_for(y).empty(y.shape, y.dtype)
    return _rows(f"softmax_gradient<{cpp_type(y)}>", [grad_output, y, out], out, axis)


def _elementwise(instance: str, arrays: list[Any], out: Any) -> Any:
    run(
        launcher_for(out),
        ACTIVATION,
        instance,
        grid=(ceil_div(out.size, THREADS),),
        block=THREADS,
        arguments=[*arrays, ctypes.c_longlong(out.size)],
    )
    return out


def _rows(instance: str, arrays: list[Any], out: Any, axis: int) -> Any:
    length = out.shape[axis]
    inner = 1
    for size in out.shape[axis % out.ndim + 1 :]:
        inner *= size
    rows = out.size // length if length else 0
    run(
        launcher_for(out),
        ACTIVATION,
        instance,
        grid=(ceil_div(rows, ROWS_A_BLOCK),),
        block=THREADS,
        arguments=[*arrays, ctypes.c_int(length), ctypes.c_int(inner), ctypes.c_longlong(rows)],
    )
    return out
