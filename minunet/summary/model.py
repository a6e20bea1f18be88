"""What a model will do with an input, layer by layer: told from shapes alone, for the CPU or the GPU that the model is on."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from minunet.autograd import no_grad
from minunet.functional.validation import is_whole_number
from minunet.kernels.dispatch import intercept_calls
from minunet.kernels.dry_run import dry_run
from minunet.nn.module import Module
from minunet.summary.table import Description

Row = tuple[str, str, tuple[int, ...], int, str, str]


def describe(
    model: Module, input_shape: tuple[int, ...], precision: str | None = None, *, gradients: bool = True
) -> Description:
    """The layers of a model for one input shape, with the algorithm that will run each, and why.

    Nothing is computed, and nothing allocated on a GPU: the model runs over shapes alone.

    Parameters
    ----------
    model : Module
    input_shape : tuple of int
        (N, H, W, C).
    precision : {"auto", "fp32", "tf32", "bf16"}, optional
        Of a GPU's convolutions, as --precision of the commands; None and "auto" are what `minunet.train` would take, or
        `minunet.predict` without `gradients`.
    gradients : bool
        Whether to list the backward pass too: a step of training with binary cross-entropy and Adam.

    Returns
    -------
    Description
        Printable; its `rows` hold (layer, operation, output shape, parameters, algorithm, why). For a model on a GPU its
        `heading` says first whether the step (or the forward pass) is fused into one CUDA graph and in how much memory, or why
        it is not; the operations of a fused one are "forward", "input gradient" and "weight gradient".

    Raises
    ------
    ValueError
        If `input_shape` is no shape, or the precision is not known, or not one of the model's device.

    Examples
    --------
    >>> import minunet
    >>> table = describe(minunet.UNet(base_channels=4, depth=1), (1, 32, 32, 1))
    >>> table.rows[0][:3]
    ('contraction.0.convs.0', 'conv2d', (1, 32, 32, 4))
    """
    if not (
        isinstance(input_shape, (tuple, list))
        and all(is_whole_number(length) and length >= 0 for length in input_shape)
    ):
        raise ValueError(f"describe: input_shape must be whole numbers such as (N, H, W, C), got {input_shape!r}")
    if model.device == "cpu" and precision is None:
        return Description(op_by_op(model, input_shape, gradients))
    from minunet.kernels.cuda.precision import CHOICES, why_without  # importing CUDA's launch code takes a while

    precision = "auto" if precision is None else precision
    if precision not in CHOICES:
        raise ValueError(f"describe: precision must be one of {', '.join(CHOICES)}, got {precision!r}")
    problem = why_without(precision, model.device)
    if problem:
        raise ValueError(f"describe: precision {precision}: {problem}")
    if model.device == "cpu":
        return Description(op_by_op(model, input_shape, gradients))
    from minunet.summary.gpu import on_gpu

    return on_gpu(model, input_shape, precision, gradients)


def op_by_op(model: Module, input_shape: tuple[int, ...], gradients: bool) -> list[Row]:
    """A row for each primitive that is called, with the algorithm that dispatch chooses."""
    names = {id(p.data): layer_of(name) for name, p in model.named_parameters()}
    counts = parameter_counts(model)
    x = np.empty(input_shape, next((p.dtype for p in model.parameters()), np.float32))
    layers: list[str] = []
    with dry_run() as run:

        def noting(primitive: Any, args: tuple[Any, ...]) -> Any:
            # The layer is the one whose weight is among the arguments; operations without weights have none.
            layers.append(next((names[id(a)] for a in args if id(a) in names), ""))
            return run.answer(primitive, args)

        # A prediction keeps nothing for a backward pass, and calls other primitives where that saves time.
        with intercept_calls(noting), contextlib.nullcontext() if gradients else no_grad():
            y = model(x)
            if gradients and y.requires_grad:
                kept = [p.grad for p in model.parameters()]
                model.zero_grad()
                y.backward(np.empty(y.shape, y.dtype))
                for p, grad in zip(model.parameters(), kept, strict=True):
                    p.grad = grad
    return [
        (layer, call.primitive, call.shape, counts.pop(layer, 0), call.algorithm, call.why)
        for layer, call in zip(layers, run.calls, strict=True)
    ]


def parameter_counts(model: Module) -> dict[str, int]:
    """How many parameters each layer has; a table takes each out once."""
    counts: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        counts[layer_of(name)] = counts.get(layer_of(name), 0) + parameter.size
    return counts


def layer_of(name: str) -> str:
    """The layer of a parameter."""
    return name.rpartition(".")[0]
