"""Activations and the loss, value by value: in blocks that stay in the cache between their steps, on all threads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minunet.kernels import primitives
from minunet.kernels.cpu import memory_pool
from minunet.kernels.cpu.array_types import are_numpy_floats
from minunet.kernels.cpu.epilogue import masked_gradient, zeros
from minunet.kernels.cpu.partition import balanced_size, even_slices
from minunet.kernels.cpu.scratch import Allocate, scratch
from minunet.kernels.cpu.threads import parallel
from minunet.kernels.primitives.loss import bce_elements

VALUES_PER_BLOCK = 1 << 19  # threads whose calls are short wait for each other
MIN_VALUES_PER_BLOCK = 1 << 17  # a smaller block is not worth the cost of handing it to a thread
MIN_VALUES = 1 << 15  # for fewer the plain reference is as fast
_WHY = "in blocks that stay in the cache, on all threads"

BlockFunction = Callable[..., None]  # of (allocate, out, *inputs), all arrays one-dimensional


def _applies(*arrays: np.ndarray | None) -> bool:
    """Whether these are large contiguous arrays of one shape. The first is not None."""
    first = arrays[0]
    return (
        first is not None
        and first.size >= MIN_VALUES
        and are_numpy_floats(*arrays)
        and all(a.flags.c_contiguous and a.shape == first.shape for a in arrays if a is not None)
    )


def _in_blocks(function: BlockFunction, *inputs: np.ndarray) -> np.ndarray:
    """The array that `function` writes, block by block, from inputs of its shape and type."""
    out = memory_pool.empty(inputs[0].shape, inputs[0].dtype)
    flat = [array.reshape(-1) for array in (out, *inputs)]

    def job(block: slice) -> None:
        with scratch() as allocate:
            function(allocate, *(array[block] for array in flat))

    parallel(job, _blocks(out.size))
    return out


def _blocks(size: int) -> tuple[slice, ...]:
    return even_slices(size, balanced_size(size, VALUES_PER_BLOCK, MIN_VALUES_PER_BLOCK))


def _relu(allocate: Allocate, out: np.ndarray, x: np.ndarray) -> None:
    np.maximum(x, zeros(allocate, x.size, x.dtype), out=out)


def _relu_grad(allocate: Allocate, out: np.ndarray, grad_output: np.ndarray, y: np.ndarray) -> None:
    np.copyto(out, masked_gradient(allocate, grad_output, y))


def _sigmoid(allocate: Allocate, out: np.ndarray, x: np.ndarray) -> None:
    """exp(min(x, 0)) / (1 + exp(-|x|)), whose numerator is 1 for x >= 0 and the other exponential below."""
    e, positive = allocate(x.shape, x.dtype), allocate(x.shape, np.bool_)
    np.abs(x, out=e)
    np.negative(e, out=e)
    np.exp(e, out=e)
    np.greater_equal(x, 0, out=positive)
    np.maximum(e, positive, out=out)
    e += 1
    out /= e


def _sigmoid_grad(allocate: Allocate, out: np.ndarray, grad_output: np.ndarray, y: np.ndarray) -> None:
    np.subtract(1, y, out=out)
    out *= y
    out *= grad_output


def _tanh(allocate: Allocate, out: np.ndarray, x: np.ndarray) -> None:
    np.tanh(x, out=out)


def _tanh_grad(allocate: Allocate, out: np.ndarray, grad_output: np.ndarray, y: np.ndarray) -> None:
    np.multiply(y, y, out=out)
    np.subtract(1, out, out=out)
    out *= grad_output


def _register() -> None:
    functions = {
        primitives.relu: _relu,
        primitives.relu_grad: _relu_grad,
        primitives.sigmoid: _sigmoid,
        primitives.sigmoid_grad: _sigmoid_grad,
        primitives.tanh: _tanh,
        primitives.tanh_grad: _tanh_grad,
    }
    for primitive, function in functions.items():
        run = primitive.register("elementwise", when=_applies, why=_WHY)
        run(lambda *inputs, function=function: _in_blocks(function, *inputs))


_register()


@primitives.is_positive.register("elementwise", when=_applies, why=_WHY)
def is_positive(x: np.ndarray) -> np.ndarray:
    """See `primitives.is_positive`."""
    out = memory_pool.empty(x.shape, np.bool_)
    flat_x, flat_out = x.reshape(-1), out.reshape(-1)
    parallel(lambda block: np.greater(flat_x[block], 0, out=flat_out[block]), _blocks(x.size))
    return out


@primitives.bce_with_logits.register("elementwise", when=_applies, why=_WHY)
def bce_with_logits(logits: np.ndarray, target: np.ndarray, weight: np.ndarray | None) -> np.floating:
    """See `primitives.bce_with_logits`."""
    flat_logits, flat_target = logits.reshape(-1), target.reshape(-1)
    flat_weight = None if weight is None else weight.reshape(-1)

    def job(block: slice) -> float:
        z, t = flat_logits[block], flat_target[block]
        with scratch() as allocate, np.errstate(invalid="ignore"):
            loss, e, u = (allocate(z.shape, z.dtype) for _ in range(3))
            np.abs(z, out=e)
            np.negative(e, out=e)
            np.exp(e, out=e)
            # log(1 + e) = log(u) + (e - (u - 1)) / u for the rounded sum u: as exact as log1p, which is not vectorised.
            np.add(e, 1, out=u)
            np.log(u, out=loss)
            e -= u - 1
            e /= u
            loss += e
            # max(z, 0) - z t first: where the answer is confident and right these large terms cancel, and added to
            # them one by one the small loss would be lost in rounding.
            np.maximum(z, zeros(allocate, z.size, z.dtype), out=e)
            np.multiply(z, t, out=u)
            e -= u
            loss += e
            if np.isnan(loss.max()):  # infinite logits, of which the formula above makes infinity - infinity
                np.copyto(loss, bce_elements(z, t))
            if flat_weight is not None:
                loss *= flat_weight[block]
            return float(loss.sum(dtype=np.float64))

    total = sum(parallel(job, _blocks(logits.size)))
    return logits.dtype.type(total / logits.size)


def _loss_grad_applies(grad_output: np.ndarray, *arrays: np.ndarray | None) -> bool:
    return _applies(*arrays)


@primitives.bce_with_logits_grad.register("elementwise", when=_loss_grad_applies, why=_WHY)
def bce_with_logits_grad(
    grad_output: np.ndarray, logits: np.ndarray, target: np.ndarray, weight: np.ndarray | None
) -> np.ndarray:
    """See `primitives.bce_with_logits_grad`."""
    scale = logits.dtype.type(grad_output / logits.size)

    def gradient(allocate: Allocate, out: np.ndarray, z: np.ndarray, t: np.ndarray, *w: np.ndarray) -> None:
        _sigmoid(allocate, out, z)
        out -= t
        out *= scale
        for factor in w:
            out *= factor

    return _in_blocks(gradient, logits, target, *([] if weight is None else [weight]))
