"""Gradient checkpointing: a part of a network keeps only its inputs, and runs again when its gradient is asked for.

Memory for time (Chen et al. 2016, "Training deep nets with sublinear memory cost"): the values inside the part need not live
from the forward pass to the backward pass, at the price of computing them twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minunet.autograd.engine import backpropagate, no_grad, recording
from minunet.autograd.function import Function
from minunet.autograd.tensor import Tensor


class Recompute(Function):
    """The inputs are saved; backward runs the part again with a tape of its own and walks that back."""

    returns_fresh_arrays = True

    def __init__(self, part: Callable[..., Tensor], inputs: int, parameters: Sequence[Tensor]):
        self.part, self.inputs, self.parameters = part, inputs, list(parameters)

    def forward(self, *arrays: Any) -> Any:
        xs = arrays[: self.inputs]
        self.save(*xs)
        with no_grad():
            return self.part(*(Tensor(x) for x in xs)).data

    def backward(self, grad_output: Any) -> tuple[Any, ...]:
        needs = self.needs_input_grad
        xs = [Tensor(x, requires_grad=needed) for x, needed in zip(self.saved, needs, strict=False)]
        before = [parameter.grad for parameter in self.parameters]
        try:
            for parameter in self.parameters:
                parameter.grad = None
            with recording(True):
                last = self.part(*xs).creator  # not the result itself: what it holds is free once its operation is done
            backpropagate(last, grad_output)
            leaves = [*xs, *self.parameters]
            return tuple(leaf.grad if needed else None for leaf, needed in zip(leaves, needs, strict=True))
        finally:
            for parameter, grad in zip(self.parameters, before, strict=True):
                parameter.grad = grad


def recompute(part: Callable[..., Tensor], inputs: Sequence[Any], parameters: Sequence[Tensor]) -> Tensor:
    """part(*inputs), keeping nothing for the backward pass but the inputs.

    Parameters
    ----------
    part : callable
        Takes the inputs as Tensors and returns one Tensor. It runs twice and must do the same both times: no dropout.
    inputs : sequence of Tensor
    parameters : sequence of Tensor
        Everything else that `part` depends on and that may require a gradient.
    """
    return Recompute(part, len(inputs), parameters).apply(*inputs, *parameters)
