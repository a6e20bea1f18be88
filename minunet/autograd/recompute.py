"""Gradient checkpointing: a part of a network saves only its inputs, and runs again in the backward pass.

This saves memory and costs time (Chen et al. 2016, "Training deep nets with sublinear memory cost"): the values inside the part are
computed twice instead of being stored from the forward pass to the backward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from minunet.autograd.engine import backpropagate, no_grad, recording
from minunet.autograd.function import Function
from minunet.autograd.tensor import Tensor, TensorLike
from minunet.kernels.backend import Array


class Recompute(Function):
    """A part of a network that is run again in the backward pass.

    y = part(x)
    dx = the gradient of part at x, from a second forward pass and its backward pass; likewise for the parameters
    """

    returns_fresh_arrays = True
    reads_inputs_again = True

    def __init__(self, part: Callable[..., Tensor], inputs: int, parameters: Sequence[Tensor]):
        self.part, self.inputs, self.parameters = part, inputs, list(parameters)

    def forward(self, *x: Array) -> Array:
        xs = x[: self.inputs]  # the rest are the parameters
        self.save(*xs)
        with no_grad():
            return self.part(*(Tensor(x) for x in xs)).data

    def backward(self, grad_output: Array) -> tuple[Array | None, ...]:
        needs = self.needs_input_grad
        xs = [Tensor(x, requires_grad=needed) for x, needed in zip(self.saved, needs, strict=False)]
        before = [parameter.grad for parameter in self.parameters]
        try:
            for parameter in self.parameters:
                parameter.grad = None
            with recording():
                # Only the operation is kept, not the result: its array is freed as soon as backward is done with it.
                last = cast(Function, self.part(*xs).creator)
            backpropagate(last, grad_output)
            leaves = [*xs, *self.parameters]
            return tuple(leaf.grad if needed else None for leaf, needed in zip(leaves, needs, strict=True))
        finally:
            for parameter, grad in zip(self.parameters, before, strict=True):
                parameter.grad = grad


def recompute(part: Callable[..., Tensor], inputs: Sequence[TensorLike], parameters: Sequence[Tensor]) -> Tensor:
    """part(*inputs), saving only the inputs for the backward pass.

    Parameters
    ----------
    part : callable
        Takes the inputs as Tensors and returns one Tensor. It runs twice and must do the same both times: no dropout.
    inputs : sequence of Tensor
    parameters : sequence of Tensor
        Everything else that `part` depends on and that may require a gradient.
    """
    return Recompute(part, len(inputs), parameters).apply(*inputs, *parameters)
