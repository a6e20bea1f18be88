"""The contract of a differentiable operation: hyper-parameters in the constructor, arrays in `forward`, gradients in `backward`.

An instance is the record of one application: it keeps what `save` was given until the backward pass has used it.
"""

from __future__ import annotations

from typing import Any

from minunet.autograd.engine import is_recording
from minunet.autograd.tensor import Tensor, TensorLike, as_tensor
from minunet.autograd.version_counter import Changes, arrays_in, memory_of
from minunet.kernels.backend import Array


class Function:
    """A differentiable operation with one output; subclass it and write `forward` and `backward`.

    The docstring of a subclass states the value and the gradients, one line each: "y = ..." and, for every input x of
    `forward`, "dx = ...". There g is `grad_output`, the gradient of the loss with respect to y, and dx is the gradient of the
    loss with respect to x. An input without a gradient has the line "dx = none".

    Examples
    --------
    >>> class Double(Function):
    ...     '''y = 2 x
    ...     dx = 2 g'''
    ...     def forward(self, x):
    ...         return 2 * x
    ...     def backward(self, grad_output):
    ...         return (2 * grad_output,)
    >>> Double().apply(Tensor([1.0, 2.0])).data
    array([2., 4.], dtype=float32)
    """

    is_leaf = False
    is_released = False
    # True if backward returns arrays that nothing else refers to, so that a leaf may keep them without a copy.
    returns_fresh_arrays = False
    # True if backward reads the inputs again, whether they were saved or not.
    reads_inputs_again = False
    # True in a class of its own, not inherited, if forward and backward read and write values by primitives only.
    only_primitives = False

    edges: tuple[Function | Tensor | None, ...] = ()
    needs_input_grad: tuple[bool, ...] = ()
    input_types: tuple[tuple[tuple[int, ...], Any], ...] = ()
    _saved: tuple[Any, ...] = ()
    # (name, changes, their count at the forward pass) of the inputs and the output, as far as backward will read them
    _values_to_read: tuple[tuple[str, Changes, int], ...] = ()

    def forward(self, *arrays: Any) -> Array:
        """The operation on plain arrays; it calls `self.save` with what `backward` will need, and no more."""
        raise TypeError(f"{type(self).__name__} does not define forward")

    def backward(self, grad_output: Array) -> tuple[Array | None, ...]:
        """One gradient per input of `forward`; None for an input whose `self.needs_input_grad` is False.

        Instead of a tuple it may be an iterator, if the first gradients can be used before the others are computed.
        """
        raise TypeError(f"{type(self).__name__} does not define backward")

    def prepare(self, array: Array) -> Array:
        """Applied to each input of `forward` and to `grad_output`; subclasses may change the layout in memory here."""
        return array

    def finish(self, output: Array) -> Array:
        """Applied to the result of `forward`."""
        return output

    def gradients(self, grad_output: Array) -> tuple[Array | None, ...]:
        """Called by the engine: `backward` of the prepared gradient."""
        return self.backward(self.prepare(grad_output))

    def save(self, *values: Any) -> None:
        """Keep these until the backward pass; does nothing if no input needs a gradient."""
        if any(self.needs_input_grad):
            self._saved = values

    @property
    def saved(self) -> tuple[Any, ...]:
        """The arrays that `forward` saved."""
        return self._saved

    def apply(self, *inputs: TensorLike | None) -> Tensor:
        """Run `forward` on the inputs' arrays and record the operation if any of them requires a gradient.

        Parameters
        ----------
        *inputs : Tensor, array, or None
            None passes through to `forward` (an absent bias).

        Raises
        ------
        RuntimeError
            If this instance was applied before: it is the record of one application.
        """
        if any(self.needs_input_grad):
            raise RuntimeError(f"{type(self).__name__} was applied already; make a new instance for each application")
        tensors = [None if value is None else as_tensor(value) for value in inputs]
        self.needs_input_grad = tuple(is_recording() and t is not None and t.requires_grad for t in tensors)
        output = Tensor(self.finish(self.forward(*(None if t is None else self.prepare(t.data) for t in tensors))))
        memory = memory_of(output.data)
        for t in tensors:
            if t is not None and memory_of(t.data) is memory:  # a view: what changes one changes the other
                output.changes = t.changes
        if any(self.needs_input_grad):
            saved = {id(memory_of(array)) for array in arrays_in(self._saved)}
            self._values_to_read = tuple(
                (f"input {k}", t.changes, t.changes.count)
                for k, t in enumerate(tensors)
                if t is not None and (self.reads_inputs_again or id(memory_of(t.data)) in saved)
            )
            if id(memory) in saved:
                self._values_to_read += (("output", output.changes, output.changes.count),)
            # Edges, not tensors: an activation stays in memory only if some operation saved it.
            self.edges = tuple(
                t.edge if t is not None and needed else None
                for t, needed in zip(tensors, self.needs_input_grad, strict=True)
            )
            self.input_types = tuple(((), None) if t is None else (t.data.shape, t.data.dtype) for t in tensors)
            output.requires_grad = True
            output.creator = self
        return output

    def check_unchanged(self) -> None:
        """RuntimeError where an input or the output was changed since the forward pass, and backward reads it."""
        for name, changes, count in self._values_to_read:
            if changes.count != count:
                raise RuntimeError(
                    f"backward of {type(self).__name__}: its {name} was changed after the forward pass (by an optimizer's step, "
                    "load_state_dict, or an assignment to .data), and the gradient would not belong to the computed result; "
                    "call backward first, or run the forward pass again"
                )

    def release(self) -> None:
        """Forget the inputs and everything saved."""
        self._saved = ()
        self._values_to_read = ()
        self.edges = ()
        self.is_released = True
