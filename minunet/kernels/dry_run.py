"""A run over shapes alone: every primitive hands out arrays that are never written, so that a network's whole step costs no time.

It tells which path each call would take and how much memory would be alive at the worst moment.
"""

from __future__ import annotations

import contextlib
import math
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minunet.kernels import primitives
from minunet.kernels.dispatch import Primitive, replace

Shaped = Any  # an array, of which only shape and dtype are looked at


@dataclass
class Call:
    """One call of a primitive.

    Attributes
    ----------
    primitive : str
    algorithm : str
        Name of the candidate that would run.
    why : str
        That candidate's own sentence.
    shape : tuple of int
        Shape of the first result.
    """

    primitive: str
    algorithm: str
    why: str
    shape: tuple[int, ...]


@dataclass
class DryRun:
    """What a dry run saw.

    Attributes
    ----------
    calls : list of Call
        In order.
    live : int
        Bytes of results alive now.
    peak : int
        The most bytes of results alive at once. Arrays that exist before the run (weights, optimizer state, the batch)
        and the scratch space inside a primitive are not counted.
    """

    calls: list[Call] = field(default_factory=list)
    live: int = 0
    peak: int = 0

    def answer(self, primitive: Primitive, args: tuple[Any, ...]) -> Any:
        """The stand-in for a primitive: unwritten arrays of the right shapes."""
        candidate = primitive.choose(*args)
        result = _RESULTS[primitive.name](self, *args)
        self.calls.append(Call(primitive.name, candidate.name, candidate.why, first_shape(result)))
        return result

    def empty(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """An array whose pages are never touched, counted while it lives."""
        array = np.empty(shape, dtype)
        size = math.prod(shape) * array.itemsize
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(array, self._gone, size)
        return array

    def like(self, array: Shaped, needed: bool = True) -> np.ndarray | None:
        """An array of the same shape and dtype, or None where it is not needed."""
        return self.empty(array.shape, array.dtype) if needed else None

    def _gone(self, size: int) -> None:
        self.live -= size


def first_shape(result: Any) -> tuple[int, ...]:
    """The shape of a primitive's first result; () where it has none."""
    first = next(_arrays(result), None)
    return () if first is None else first.shape


def _arrays(result: Any) -> Iterator[np.ndarray]:
    """The arrays of a result that may be one, None, or nested tuples."""
    if isinstance(result, tuple):
        for part in result:
            yield from _arrays(part)
    elif result is not None:
        yield result


@contextlib.contextmanager
def dry_run() -> Iterator[DryRun]:
    """Within the block, primitives in this thread compute nothing.

    Examples
    --------
    >>> import numpy as np, minunet
    >>> model = minunet.UNet(base_channels=4, depth=1)
    >>> with dry_run() as run:
    ...     logits = model(np.zeros((1, 8, 8, 1), np.float32))
    >>> run.calls[0].primitive, run.calls[0].shape
    ('conv2d', (1, 8, 8, 4))
    """
    run = DryRun()
    with replace(run.answer), np.errstate(all="ignore"):  # arithmetic between primitives meets unwritten memory
        yield run


def _conv2d(run: DryRun, xs, weight, bias, stride, padding, activation):
    n, h, w, _ = xs[0].shape
    size = primitives.out_size((h, w), weight.shape[:2], stride, padding)
    return run.empty((n, *size, weight.shape[3]), weight.dtype)


def _conv2d_grads(run: DryRun, grad_output, xs, weight, output, stride, padding, needs):
    needs_x, needs_weight, needs_bias = needs
    return (
        tuple(run.like(x, needed) for x, needed in zip(xs, needs_x, strict=True)),
        run.like(weight, needs_weight),
        run.empty(weight.shape[3:], weight.dtype) if needs_bias else None,
    )


def _conv_transpose2d(run: DryRun, x, weight, bias, stride, padding):
    size = [
        (length - 1) * step + k - 2 * cut
        for length, step, k, cut in zip(x.shape[1:3], stride, weight.shape[:2], padding, strict=True)
    ]
    return run.empty((x.shape[0], *size, weight.shape[3]), x.dtype)


def _conv_transpose2d_grads(run: DryRun, grad_output, x, weight, stride, padding, needs):
    needs_x, needs_weight, needs_bias = needs
    bias = run.empty(weight.shape[3:], weight.dtype) if needs_bias else None
    return run.like(x, needs_x), run.like(weight, needs_weight), bias


def _pool(run: DryRun, x, kernel_size, stride, padding):
    size = primitives.out_size(x.shape[1:3], kernel_size, stride, ((padding[0],) * 2, (padding[1],) * 2))
    return run.empty((x.shape[0], *size, x.shape[3]), x.dtype)


def _max_pool2d(run: DryRun, x, kernel_size, stride, padding):
    y = _pool(run, x, kernel_size, stride, padding)
    return y, run.empty(y.shape, primitives.argmax_dtype(kernel_size))


def _like_first(run: DryRun, array, *rest):
    return run.like(array)


_RESULTS: dict[str, Callable[..., Any]] = {
    "conv2d": _conv2d,
    "conv2d_grads": _conv2d_grads,
    "conv_transpose2d": _conv_transpose2d,
    "conv_transpose2d_grads": _conv_transpose2d_grads,
    "max_pool2d": _max_pool2d,
    "max_pool2d_values": _pool,
    "max_pool2d_grad": lambda run, grad, argmax, shape, *window: run.empty(shape, grad.dtype),
    "sum_pool2d": _pool,
    "sum_pool2d_grad": lambda run, grad, shape, *window: run.empty(shape, grad.dtype),
    "relu": _like_first,
    "relu_grad": _like_first,
    "tanh": _like_first,
    "tanh_grad": _like_first,
    "sigmoid": _like_first,
    "sigmoid_grad": _like_first,
    "softmax": _like_first,
    "softmax_grad": _like_first,
    "bce_with_logits": lambda run, logits, target, weight: run.empty((), logits.dtype),
    "bce_with_logits_grad": lambda run, grad, logits, target, weight: run.like(logits),
    "adam": lambda run, *args: None,
}
