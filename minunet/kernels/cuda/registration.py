"""Registers the CUDA kernels on the primitives, for CuPy arrays; each with an estimate of its time from work and traffic."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minunet.kernels import reference
from minunet.kernels.backend import array_module, is_array
from minunet.kernels.cuda import activation, adam, convolution, loss, pooling
from minunet.kernels.cuda.elements import takes
from minunet.kernels.dispatch import Primitive

NAME = "cuda"
WHY = "hand-written CUDA kernel, any shape"
# Nanoseconds of an estimate: deliberately round figures of a large GPU, since only their order decides.
LAUNCH = 3000.0
PER_BYTE = 1 / 2000.0
PER_PRODUCT = {"float32": 1 / 10_000.0, "float64": 1 / 5_000.0, "bfloat16": 1 / 10_000.0}


def register() -> None:
    """Add every kernel to its primitive."""
    add = _add
    add(reference.conv2d, convolution.conv2d, convolution.takes_conv2d, conv2d_cost)
    add(reference.conv2d_grads, convolution.conv2d_grads, convolution.takes_conv2d_grads, conv2d_grads_cost)
    add(reference.conv_transpose2d, convolution.conv_transpose2d, convolution.takes_conv_transpose2d, up_cost)
    add(
        reference.conv_transpose2d_grads,
        convolution.conv_transpose2d_grads,
        convolution.takes_conv_transpose2d_grads,
        up_grads_cost,
    )
    add(reference.max_pool2d, pooling.max_pool2d, pooling.takes_pool)
    add(reference.max_pool2d_grad, pooling.max_pool2d_grad, pooling.takes_max_pool2d_grad)
    add(reference.sum_pool2d, pooling.sum_pool2d, pooling.takes_pool)
    add(reference.sum_pool2d_grad, pooling.sum_pool2d_grad, pooling.takes_sum_pool2d_grad)
    for name in activation.NAMES:
        add(getattr(reference, name), activation.activate(name), takes)
        add(getattr(reference, f"{name}_grad"), activation.activate_gradient(name), takes)
    add(reference.softmax, activation.softmax, activation.takes_softmax)
    add(reference.softmax_grad, activation.softmax_grad, activation.takes_softmax_grad)
    add(reference.bce_with_logits, loss.bce_with_logits, loss.takes_bce)
    add(reference.bce_with_logits_grad, loss.bce_with_logits_grad, loss.takes_bce_grad)
    reference.adam.register(NAME, when=adam.takes_adam, cost=traffic_cost, why="one launch for all tensors")(adam.adam)


def traffic_cost(*args: Any) -> float:
    """Nanoseconds to read every array argument once and write as much."""
    return LAUNCH + 2 * PER_BYTE * sum(array.nbytes for array in _arrays(args))


def conv2d_cost(xs, weight, bias, stride, padding, activation) -> float:
    """Nanoseconds of a convolution, whichever of arithmetic and traffic takes longer."""
    size = reference.out_size(xs[0].shape[1:3], weight.shape[:2], stride, padding)
    return _product_cost(xs[0], xs[0].shape[0] * math.prod(size) * weight.size)


def conv2d_grads_cost(grad_output, xs, weight, output, stride, padding, needs) -> float:
    """The same for its gradients."""
    pixels = math.prod(grad_output.shape[:3])
    return _product_cost(grad_output, pixels * weight.size) * (any(needs[0]) + needs[1]) + LAUNCH


def up_cost(x, weight, bias, stride, padding) -> float:
    """The same for the up-convolution."""
    return _product_cost(x, math.prod(x.shape[:3]) * weight.size)


def up_grads_cost(grad_output, x, weight, stride, padding, needs) -> float:
    """The same for the up-convolution's gradients."""
    return _product_cost(x, math.prod(x.shape[:3]) * weight.size) * (needs[0] + needs[1]) + LAUNCH


def _product_cost(like: Any, products: int) -> float:
    return LAUNCH + products * PER_PRODUCT[like.dtype.name]


def _arrays(value: Any):
    if is_array(value):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _arrays(item)


def _add(
    primitive: Primitive, run: Callable, when: Callable[..., bool], cost: Callable[..., float] = traffic_cost
) -> None:
    @functools.wraps(run)
    def launch(*args: Any) -> Any:
        return run(*(_in_order(argument) for argument in args))

    primitive.register(NAME, when=when, cost=cost, why=WHY)(launch)


def _in_order(value: Any) -> Any:
    """Arrays (also inside a tuple) made C-contiguous where they are not; NumPy's scalars as arrays."""
    if isinstance(value, np.generic):
        return np.asarray(value)
    if is_array(value):
        return value if value.flags.c_contiguous else array_module(value).ascontiguousarray(value)
    if isinstance(value, tuple) and any(is_array(item) for item in value):
        return tuple(_in_order(item) for item in value)
    return value


register()
