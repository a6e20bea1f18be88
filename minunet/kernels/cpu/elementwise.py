"""Operations element by element, in pieces that stay in the cache between their steps, on all threads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minunet.kernels import primitives
from minunet.kernels.cpu import memory_pool
from minunet.kernels.cpu.numpy_arrays import on_cpu
from minunet.kernels.cpu.padded_windows import masked
from minunet.kernels.cpu.partition import even_parts, fair_size
from minunet.kernels.cpu.scratch import Take, scratch
from minunet.kernels.cpu.threads import parallel

CHUNK = 1 << 19  # values at a time; threads whose calls are short wait for each other
SMALLEST = 1 << 17  # a smaller piece is not worth waking a thread
WORTH = 1 << 15  # for fewer values the plain reference is as fast
_WHY = "in pieces that stay in the cache, on all threads"

Piece = Callable[..., None]  # of (take, out, *inputs), all flat


def _large(*arrays) -> bool:
    """Whether these are large contiguous arrays of one shape."""
    first = arrays[0]
    return (
        first.size >= WORTH
        and on_cpu(*arrays)
        and all(a.flags.c_contiguous and a.shape == first.shape for a in arrays if a is not None)
    )


def _elementwise(piece: Piece, *inputs: np.ndarray) -> np.ndarray:
    out = memory_pool.empty(inputs[0].shape, inputs[0].dtype)
    flat = [array.reshape(-1) for array in (out, *inputs)]

    def job(part: tuple[int, int]) -> None:
        with scratch() as take:
            piece(take, *(array[part[0] : sum(part)] for array in flat))

    parallel(job, _pieces(out.size))
    return out


def _pieces(size: int) -> list[tuple[int, int]]:
    """(start, count) of pieces of at most `CHUNK` values, smaller ones where these would be too few."""
    return even_parts(size, fair_size(size, CHUNK, SMALLEST))


def _zeros(take: Take, like: np.ndarray) -> np.ndarray:
    zeros = take(like.shape, like.dtype)
    zeros[:] = 0
    return zeros


def _relu(take: Take, out: np.ndarray, x: np.ndarray) -> None:
    np.maximum(x, _zeros(take, x), out=out)  # twice as fast as against the number 0


def _relu_grad(take: Take, out: np.ndarray, grad_output: np.ndarray, y: np.ndarray) -> None:
    np.copyto(out, masked(take, grad_output, y))


def _sigmoid(take: Take, out: np.ndarray, x: np.ndarray) -> None:
    """exp(min(x, 0)) / (1 + exp(-|x|)), whose numerator is 1 for x >= 0 and the other exponential below."""
    e, positive = take(x.shape, x.dtype), take(x.shape, np.bool_)
    np.abs(x, out=e)
    np.negative(e, out=e)
    np.exp(e, out=e)
    np.greater_equal(x, 0, out=positive)
    np.maximum(e, positive, out=out)
    e += 1
    out /= e


def _sigmoid_grad(take: Take, out: np.ndarray, grad_output: np.ndarray, y: np.ndarray) -> None:
    np.subtract(1, y, out=out)
    out *= y
    out *= grad_output


def _tanh(take: Take, out: np.ndarray, x: np.ndarray) -> None:
    np.tanh(x, out=out)


def _tanh_grad(take: Take, out: np.ndarray, grad_output: np.ndarray, y: np.ndarray) -> None:
    np.multiply(y, y, out=out)
    np.subtract(1, out, out=out)
    out *= grad_output


def _register() -> None:
    pieces = {
        primitives.relu: _relu,
        primitives.relu_grad: _relu_grad,
        primitives.sigmoid: _sigmoid,
        primitives.sigmoid_grad: _sigmoid_grad,
        primitives.tanh: _tanh,
        primitives.tanh_grad: _tanh_grad,
    }
    for primitive, piece in pieces.items():
        primitive.register("elementwise", when=_large, why=_WHY)(
            lambda *inputs, piece=piece: _elementwise(piece, *inputs)
        )


_register()


def _loss_when(logits, target, weight) -> bool:
    return _large(logits, target, weight)


@primitives.bce_with_logits.register("elementwise", when=_loss_when, why=_WHY)
def bce_with_logits(logits, target, weight):
    """See `primitives.bce_with_logits`."""
    flat = [None if array is None else array.reshape(-1) for array in (logits, target, weight)]

    def job(part: tuple[int, int]) -> float:
        z, t, w = (None if array is None else array[part[0] : sum(part)] for array in flat)
        with scratch() as take:
            loss, e, u = (take(z.shape, z.dtype) for _ in range(3))
            np.abs(z, out=e)
            np.negative(e, out=e)
            np.exp(e, out=e)
            # log(1 + e) = log(u) + (e - (u - 1)) / u for the rounded sum u: as exact as log1p, which has no vector code.
            np.add(e, 1, out=u)
            np.log(u, out=loss)
            e -= u - 1
            e /= u
            loss += e
            # The large terms cancel first, so that what is left of a confident, right answer is not lost in them.
            np.maximum(z, _zeros(take, z), out=e)
            np.multiply(z, t, out=u)
            e -= u
            loss += e
            if w is not None:
                loss *= w
            return float(loss.sum(dtype=np.float64))

    total = sum(parallel(job, _pieces(logits.size)))
    return logits.dtype.type(total / logits.size)


def _loss_grad_when(grad_output, logits, target, weight) -> bool:
    return _large(logits, target, weight)


@primitives.bce_with_logits_grad.register("elementwise", when=_loss_grad_when, why=_WHY)
def bce_with_logits_grad(grad_output, logits, target, weight):
    """See `primitives.bce_with_logits_grad`."""
    scale = logits.dtype.type(grad_output / logits.size)

    def piece(take: Take, out: np.ndarray, z: np.ndarray, t: np.ndarray, *w: np.ndarray) -> None:
        _sigmoid(take, out, z)
        out -= t
        out *= scale
        for factor in w:
            out *= factor

    return _elementwise(piece, logits, target, *([] if weight is None else [weight]))
