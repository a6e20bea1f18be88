"""The walk back: visits every operation once, in reverse order of execution, and hands each its output's gradient.

It is iterative (a chain of thousands of operations needs no stack) and frees what an operation saved as soon as it is used.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minunet.autograd.function import Function


class _Mode(threading.local):
    """Whether this thread records, and whether it did outside of each `no_grad` block that it is in."""

    def __init__(self) -> None:
        self.recording = True
        self.outside: list[bool] = []


_MODE = _Mode()


def is_recording() -> bool:
    """Whether operations are being recorded in this thread."""
    return _MODE.recording


@contextlib.contextmanager
def recording(mode: bool) -> Iterator[None]:
    """Within the block, record operations of this thread or do not, whatever holds outside."""
    before = is_recording()
    _MODE.recording = mode
    try:
        yield
    finally:
        _MODE.recording = before


class no_grad(contextlib.ContextDecorator):
    """Within the block (or the decorated function) nothing is recorded: no gradients, and no memory kept for them.

    One object may be entered again and again, inside itself and in several threads.

    Examples
    --------
    >>> import minunet
    >>> x = minunet.Tensor([1.0], requires_grad=True)
    >>> with minunet.no_grad():
    ...     (x * 2).requires_grad
    False
    """

    def __enter__(self) -> None:
        _MODE.outside.append(_MODE.recording)
        _MODE.recording = False

    def __exit__(self, *exception: Any) -> None:
        _MODE.recording = _MODE.outside.pop()


class GradientMismatch(AssertionError):
    """An operation's backward returned something its forward's inputs cannot take."""


def backpropagate(root: Function, grad: Any) -> None:
    """Give `grad` to the operation `root` and carry it back to every leaf that requires a gradient.

    Gradients for the same value are added in place where one of them belongs to the walk: an operation may hand out views or
    one array to two inputs, but sums are the walk's, and so is what comes fresh.
    """
    order = execution_order(root)
    if any(function.is_released for function in order):
        raise RuntimeError(
            "part of this graph was walked back already and its memory freed; run the forward pass again before the next backward"
        )
    pending: dict[int, tuple[Any, bool]] = {id(root): (grad, False)}  # operation -> (gradient, is the array ours)
    while order:
        function = order.pop()
        grads = function.backward(function.prepare(pending.pop(id(function))[0]))
        _check(function, grads)
        for edge, grad_input in zip(function.edges, grads, strict=True):
            if edge is None:
                continue
            if edge.is_leaf:
                edge.accumulate(grad_input, fresh=function.returns_fresh_arrays)
            else:
                _add(pending, id(edge), grad_input, fresh=function.returns_fresh_arrays)
        function.release()
        del function, grads, edge, grad_input  # nothing outlives its use while the next operation runs


def _add(pending: dict[int, tuple[Any, bool]], place: int, grad: Any, *, fresh: bool) -> None:
    """Add a gradient to what has arrived for an operation so far; `fresh` means that nothing else refers to it."""
    if place not in pending:
        pending[place] = (grad, fresh)
        return
    total, ours = pending[place]
    if ours:
        total += grad  # a NumPy scalar, which a 0-d sum is, makes a new one
    elif fresh:
        grad += total
        total = grad
    else:
        total = total + grad
    pending[place] = (total, True)


def execution_order(root: Function) -> list[Function]:
    """Every operation that leads to `root`, each after all that it depends on (depth-first, without recursion)."""
    order: list[Function] = []
    seen = {id(root)}
    stack = [(root, iter(root.edges))]
    while stack:
        function, edges = stack[-1]
        for edge in edges:
            if edge is not None and not edge.is_leaf and id(edge) not in seen:
                seen.add(id(edge))
                stack.append((edge, iter(edge.edges)))
                break
        else:
            order.append(function)
            stack.pop()
    return order


def _check(function: Function, grads: Any) -> None:
    """Hold what a backward returned against the forward's inputs: number, place, shape and dtype."""
    name = type(function).__name__
    if not isinstance(grads, tuple) or len(grads) != len(function.edges):
        found = f"{len(grads)}" if isinstance(grads, tuple) else type(grads).__name__
        raise GradientMismatch(
            f"{name}.backward must return a tuple of {len(function.edges)} gradients, one per input, not {found}"
        )
    for place, (grad, needed, (shape, dtype)) in enumerate(
        zip(grads, function.needs_input_grad, function.input_types, strict=True)
    ):
        if not needed:
            if grad is not None:
                raise GradientMismatch(f"{name}.backward returned a gradient for input {place}, which needs none")
        elif grad is None:
            raise GradientMismatch(f"{name}.backward returned None for input {place}, which needs a gradient")
        elif not hasattr(grad, "shape"):
            raise GradientMismatch(f"{name}.backward: gradient {place} is no array but {type(grad).__name__}")
        elif grad.shape != shape:
            raise GradientMismatch(f"{name}.backward: gradient {place} has shape {grad.shape}, the input has {shape}")
        elif grad.dtype != dtype:
            raise GradientMismatch(f"{name}.backward: gradient {place} is {grad.dtype}, the input is {dtype}")
