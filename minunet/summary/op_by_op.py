"""The operations that a model calls for an input, each with the algorithm that would run it, from a run over shapes only."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from minunet.autograd import no_grad
from minunet.kernels.backend import device_of
from minunet.kernels.dispatch import Primitive, intercept_calls
from minunet.kernels.dry_run import dry_run
from minunet.nn.module import Module

Row = tuple[str, str, tuple[int, ...], int, str, str]


def op_by_op(model: Module, input_shape: tuple[int, ...], gradients: bool) -> list[Row]:
    """A row for each primitive that is called, with the algorithm that dispatch chooses."""
    counts = parameter_counts(model)
    x = np.empty(input_shape, next((p.dtype for p in model.parameters()), np.float32))
    layers: list[str] = []
    with dry_run_parameters(model), dry_run() as run:
        names = {id(p.data): layer_of(name) for name, p in model.named_parameters()}

        def recorded(primitive: Primitive, args: tuple[Any, ...]) -> Any:
            # The layer is the one whose weight is among the arguments; operations without weights have none.
            layers.append(next((names[id(a)] for a in args if id(a) in names), ""))
            return run.answer(primitive, args)

        # A prediction saves nothing for a backward pass, and calls other primitives where these are faster.
        with intercept_calls(recorded), contextlib.nullcontext() if gradients else no_grad():
            y = model(x)
            if gradients and y.requires_grad:
                y.backward(np.empty(y.shape, y.dtype))
    return [
        (layer, call.primitive, call.shape, counts.pop(layer, 0), call.algorithm, call.why)
        for layer, call in zip(layers, run.calls, strict=True)
    ]


@contextlib.contextmanager
def dry_run_parameters(model: Module) -> Iterator[None]:
    """For a dry run: parameters on a GPU are unwritten host arrays within the block, and no gradient of the model is changed."""
    before = [(parameter, parameter.data, parameter.grad) for parameter in model.parameters()]
    try:
        for parameter, array, _ in before:
            parameter.grad = None
            if device_of(array) != "cpu":
                parameter.data = np.empty(array.shape, array.dtype)
        yield
    finally:
        for parameter, array, grad in before:
            parameter.grad = grad
            if parameter.data is not array:
                parameter.data = array


def parameter_counts(model: Module) -> dict[str, int]:
    """The number of parameters of each layer; a table removes an entry when it has shown it."""
    counts: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        counts[layer_of(name)] = counts.get(layer_of(name), 0) + parameter.size
    return counts


def layer_of(name: str) -> str:
    """The layer of a parameter."""
    return name.rpartition(".")[0]
