"""Registers the CUDA kernels as candidates of the primitives, for CuPy arrays. Dispatch chooses by their cost estimates."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from minunet.kernels import primitives
from minunet.kernels.backend import array_module, is_array
from minunet.kernels.cuda import activation, adam, convolution, costs, loss, pooling, tensor_core_primitives
from minunet.kernels.cuda.devices import supports
from minunet.kernels.dispatch import Primitive

PORTABLE, PORTABLE_WHY = "cuda", "hand-written CUDA kernel, any shape"
TENSOR_CORES, TENSOR_CORES_WHY = "cuda-tensor-cores", "tensor cores: bfloat16 or tf32 factors, float32 sums"


def register() -> None:
    """Add every kernel to its primitive."""
    for name in ("conv2d", "conv2d_grads", "conv_transpose2d", "conv_transpose2d_grads"):
        products = getattr(costs, f"{name}_products")
        for label, why, module, rates in (
            (PORTABLE, PORTABLE_WHY, convolution, costs.PORTABLE),
            (TENSOR_CORES, TENSOR_CORES_WHY, tensor_core_primitives, costs.TENSOR_CORES),
        ):
            when, cost = getattr(module, f"supports_{name}"), costs.arithmetic(products, rates)
            _add(getattr(primitives, name), getattr(module, name), when, cost, label, why)
    _add(primitives.max_pool2d, pooling.max_pool2d, pooling.supports_pool)
    _add(primitives.max_pool2d_values, pooling.max_pool2d_values, pooling.supports_pool)
    _add(primitives.max_pool2d_grad, pooling.max_pool2d_grad, pooling.supports_max_pool2d_grad)
    _add(primitives.sum_pool2d, pooling.sum_pool2d, pooling.supports_pool)
    _add(primitives.sum_pool2d_grad, pooling.sum_pool2d_grad, pooling.supports_pool)
    for name in activation.NAMES:
        _add(getattr(primitives, name), activation.activate(name), supports)
        _add(getattr(primitives, f"{name}_grad"), activation.activate_gradient(name), supports)
    _add(primitives.softmax, activation.softmax, activation.supports_softmax)
    _add(primitives.softmax_grad, activation.softmax_grad, activation.supports_softmax_grad)
    _add(primitives.bce_with_logits, loss.bce_with_logits, loss.supports_bce)
    _add(primitives.bce_with_logits_grad, loss.bce_with_logits_grad, loss.supports_bce_grad)
    # Adam updates its arguments in place, so they must not be copied first.
    primitives.adam.register(PORTABLE, when=adam.supports_adam, cost=costs.traffic, why="one launch for all tensors")(
        adam.adam
    )


def _add(
    primitive: Primitive,
    run: Callable[..., Any],
    when: Callable[..., bool],
    cost: Callable[..., float] = costs.traffic,
    label: str = PORTABLE,
    why: str = PORTABLE_WHY,
) -> None:
    @functools.wraps(run)
    def launch(*args: Any) -> Any:
        return run(*(_contiguous(argument) for argument in args))

    primitive.register(label, when=when, cost=cost, why=why)(launch)


def _contiguous(value: Any) -> Any:
    """Arrays, also inside a tuple, copied to C order where they are not in it; NumPy scalars as arrays."""
    if isinstance(value, np.generic):
        return np.asarray(value)
    if is_array(value):
        return value if value.flags.c_contiguous else array_module(value).ascontiguousarray(value)
    if isinstance(value, tuple) and any(is_array(item) for item in value):
        return tuple(_contiguous(item) for item in value)
    return value


register()
