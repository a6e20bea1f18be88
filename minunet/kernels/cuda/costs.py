"""Estimates of a kernel's time, in nanoseconds, from its work and traffic; dispatch takes the path with the smallest.

The rates are round figures of a large GPU, on purpose: only their order decides, and it must not depend on a measurement.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from minunet.kernels.backend import is_array
from minunet.kernels.primitives import out_size

LAUNCH = 3000.0  # to start a kernel and come back
BYTES = 2000.0  # read or written a nanosecond
PORTABLE = {"float32": 10_000.0, "float64": 5_000.0, "bfloat16": 10_000.0}  # multiplications and additions a nanosecond
TENSOR_CORES = {"float32": 80_000.0, "bfloat16": 160_000.0}


def traffic(*args: Any) -> float:
    """Nanoseconds to read every array argument once and write as much."""
    return LAUNCH + 2 * sum(array.nbytes for array in _arrays(args)) / BYTES


def arithmetic(products: Callable[..., int], rates: dict[str, float]) -> Callable[..., float]:
    """The cost function of a primitive that does `products(*args)` multiplications and additions."""

    def cost(*args: Any) -> float:
        return LAUNCH + products(*args) / rates[next(_arrays(args)).dtype.name]

    return cost


def conv2d_products(xs, weight, bias, stride, padding, activation) -> int:
    """Multiplications of a convolution."""
    return xs[0].shape[0] * math.prod(out_size(xs[0].shape[1:3], weight.shape[:2], stride, padding)) * weight.size


def conv2d_grads_products(grad_output, xs, weight, output, stride, padding, needs) -> int:
    """Those of its gradients."""
    return math.prod(grad_output.shape[:3]) * weight.size * (any(needs[0]) + needs[1])


def conv_transpose2d_products(x, weight, bias, stride, padding) -> int:
    """Those of an up-convolution."""
    return math.prod(x.shape[:3]) * weight.size


def conv_transpose2d_grads_products(grad_output, x, weight, stride, padding, needs) -> int:
    """Those of its gradients."""
    return math.prod(x.shape[:3]) * weight.size * (needs[0] + needs[1])


def _arrays(value: Any):
    if is_array(value):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _arrays(item)
