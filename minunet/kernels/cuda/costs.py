"""Estimates of the time of a kernel, in nanoseconds, from its arithmetic and memory traffic. Dispatch uses the cheapest candidate.

The rates are round figures of a large GPU. Only their order decides, and it must not depend on a measurement.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from minunet.kernels.backend import Array, Arrays, is_array
from minunet.kernels.primitives import out_size
from minunet.kernels.primitives.conv import Needs, UpNeeds
from minunet.kernels.primitives.windows import IntPair, Padding

MULTIPROCESSORS = 132  # of an H100; a constant, so that sums are split in the same way on every GPU
LAUNCH = 3000.0  # nanoseconds to start a kernel and return
BYTES = 2000.0  # read or written per nanosecond
PORTABLE = {"float32": 10_000.0, "float64": 5_000.0, "bfloat16": 10_000.0}  # multiply-adds per nanosecond
TENSOR_CORES = {"float32": 80_000.0, "bfloat16": 160_000.0}


def traffic(*args: Any) -> float:
    """Nanoseconds to read every array argument once and write as many bytes."""
    return LAUNCH + 2 * sum(array.nbytes for array in _arrays(args)) / BYTES


def arithmetic(products: Callable[..., int], rates: dict[str, float]) -> Callable[..., float]:
    """The cost function of a primitive that does `products(*args)` multiply-adds."""

    def cost(*args: Any) -> float:
        return LAUNCH + products(*args) / rates[next(_arrays(args)).dtype.name]

    return cost


def conv2d_products(
    xs: Arrays, weight: Array, bias: Array | None, stride: IntPair, padding: Padding, activation: str | None
) -> int:
    """Multiply-adds of a convolution."""
    return xs[0].shape[0] * math.prod(out_size(xs[0].shape[1:3], weight.shape[:2], stride, padding)) * weight.size


def conv2d_grads_products(
    grad_output: Array, xs: Arrays, weight: Array, output: Array | None, stride: IntPair, padding: Padding, needs: Needs
) -> int:
    """Multiply-adds of its gradients."""
    return math.prod(grad_output.shape[:3]) * weight.size * (any(needs[0]) + needs[1])


def conv_transpose2d_products(x: Array, weight: Array, *_: object) -> int:
    """Multiply-adds of a transposed convolution."""
    return math.prod(x.shape[:3]) * weight.size


def conv_transpose2d_grads_products(
    grad_output: Array, x: Array, weight: Array, stride: IntPair, padding: IntPair, needs: UpNeeds
) -> int:
    """Multiply-adds of its gradients."""
    return math.prod(x.shape[:3]) * weight.size * (needs[0] + needs[1])


def _arrays(value: Any) -> Iterator[Array]:
    if is_array(value):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _arrays(item)
