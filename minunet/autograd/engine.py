"""The backward pass: it visits every operation once, in reverse order of execution, and gives each its output's gradient.

It is iterative, so that a chain of thousands of operations does not overflow the stack. What an operation saved is freed as
soon as it has been used.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from minunet.autograd.function import Function
    from minunet.autograd.tensor import Tensor
    from minunet.kernels.backend import Array


class _Mode(threading.local):
    """The `no_grad` blocks that this thread is in: a lock of its own that it has taken once for each.

    Python can raise KeyboardInterrupt before the first line of any function in Python. To take and to release a lock are functions
    in C: Ctrl-C as a block ends comes before or after it, and recording is on again.
    """

    def __init__(self) -> None:
        self.blocks = threading.RLock()


_MODE = _Mode()


def is_recording() -> bool:
    """Whether operations are being recorded in this thread."""
    return not _MODE.blocks._is_owned()  # type: ignore[attr-defined]  # as `threading.Condition` asks


@contextlib.contextmanager
def recording() -> Iterator[None]:
    """Within the block, record the operations of this thread, regardless of `no_grad` outside."""
    outside = _MODE.blocks
    _MODE.blocks = threading.RLock()
    try:
        yield
    finally:
        _MODE.blocks = outside


class _LockMethod:
    """A method of the lock in `_Mode`, in the place of a method of `no_grad`."""

    def __init__(self, name: str):
        self.name = name

    def __get__(self, block: no_grad | None, owner: type | None = None) -> Callable[..., None]:
        if block is None:  # contextlib.ExitStack takes it from the class
            return lambda block, *exception: getattr(_MODE.blocks, self.name)(*exception)
        return getattr(_MODE.blocks, self.name)


class no_grad(contextlib.ContextDecorator):
    """Within the block (or the decorated function) no operation is recorded: no gradients, and no memory used for them.

    One object may be entered several times, also inside itself and in several threads.

    Examples
    --------
    >>> import minunet
    >>> x = minunet.Tensor([1.0], requires_grad=True)
    >>> with minunet.no_grad():
    ...     (x * 2).requires_grad
    False
    """

    __enter__ = _LockMethod("__enter__")
    __exit__ = _LockMethod("__exit__")


class GradientMismatch(AssertionError):
    """An operation's backward returned gradients that do not match the inputs of its forward."""


def backpropagate(root: Function, grad: Array, complete: Callable[[Tensor], None] | None = None) -> None:
    """Give `grad` to the operation `root` and pass gradients on to every leaf that requires one.

    Two gradients of the same value are added in place if nothing else refers to one of the arrays. That is true of sums made
    here and of the gradients of an operation with `returns_fresh_arrays`. Other operations may return views, or the same array
    for two inputs.

    `complete` is called with each leaf as soon as all its gradients of this pass have arrived.
    """
    order = execution_order(root)
    if any(function.is_released for function in order):
        raise RuntimeError(
            "backward has already run through part of this graph and freed its memory; "
            "run the forward pass again before the next backward"
        )
    for function in order:
        function.check_unchanged()
    pending: dict[int, tuple[Array, bool]] = {id(root): (grad, False)}  # operation -> (gradient, may it be changed)
    missing: Counter[int] = Counter()  # leaf -> gradients that have not arrived
    if complete is not None:
        missing.update(id(edge) for function in order for edge in function.edges if edge is not None and edge.is_leaf)
    while order:
        function = order.pop()
        grads = function.gradients(pending.pop(id(function))[0])
        if not isinstance(grads, Iterator):
            _check(function, grads)
        for edge, grad_input in zip(function.edges, grads, strict=True):
            if edge is None:
                continue
            if edge.is_leaf:
                cast("Tensor", edge).accumulate(grad_input, fresh=function.returns_fresh_arrays)
                if complete is not None:
                    missing[id(edge)] -= 1
                    if not missing[id(edge)]:
                        complete(cast("Tensor", edge))
            else:
                _add(pending, id(edge), grad_input, fresh=function.returns_fresh_arrays)
        function.release()
        del function, grads, edge, grad_input  # keep no array alive while the next operation runs


def _add(pending: dict[int, tuple[Array, bool]], operation: int, grad: Array, *, fresh: bool) -> None:
    """Add a gradient to those that have arrived for an operation so far; `fresh` means that nothing else refers to `grad`."""
    if operation not in pending:
        pending[operation] = (grad, fresh)
        return
    total, may_change = pending[operation]
    if may_change:
        total += grad  # if it is a NumPy scalar, as 0-d sums are, this makes a new one
    elif fresh:
        grad += total
        total = grad
    else:
        total = total + grad
    pending[operation] = (total, True)


def execution_order(root: Function) -> list[Function]:
    """`root` and every operation that it depends on, each after its own inputs (depth-first, without recursion)."""
    order: list[Function] = []
    seen = {id(root)}
    stack = [(root, iter(root.edges))]
    while stack:
        function, edges = stack[-1]
        for edge in edges:
            if edge is not None and not edge.is_leaf and id(edge) not in seen:
                seen.add(id(edge))
                operation = cast("Function", edge)
                stack.append((operation, iter(operation.edges)))
                break
        else:
            order.append(function)
            stack.pop()
    return order


def _check(function: Function, grads: Any) -> None:
    """Compare what a backward returned with the forward's inputs: number of gradients, shapes and dtypes."""
    name = type(function).__name__
    if not isinstance(grads, tuple) or len(grads) != len(function.edges):
        received = f"{len(grads)}" if isinstance(grads, tuple) else type(grads).__name__
        raise GradientMismatch(
            f"{name}.backward must return a tuple of {len(function.edges)} gradients, one per input, not {received}"
        )
    for k, (grad, needed, (shape, dtype)) in enumerate(
        zip(grads, function.needs_input_grad, function.input_types, strict=True)
    ):
        if not needed:
            if grad is not None:
                raise GradientMismatch(f"{name}.backward returned a gradient for input {k}, which needs none")
        elif grad is None:
            raise GradientMismatch(f"{name}.backward returned None for input {k}, which needs a gradient")
        elif not hasattr(grad, "shape"):
            raise GradientMismatch(f"{name}.backward: gradient {k} is not an array but {type(grad).__name__}")
        elif grad.shape != shape:
            raise GradientMismatch(f"{name}.backward: gradient {k} has shape {grad.shape}, the input has {shape}")
        elif grad.dtype != dtype:
            raise GradientMismatch(f"{name}.backward: gradient {k} is {grad.dtype}, the input is {dtype}")
