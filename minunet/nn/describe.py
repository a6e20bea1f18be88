"""What a model will do with an input: a table of its layers with their shapes, the algorithm chosen for each, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minunet.kernels.dispatch import replace
from minunet.kernels.dry_run import dry_run
from minunet.nn.module import Module

HEADINGS = ("layer", "operation", "output shape", "parameters", "algorithm", "why")


@dataclass(frozen=True)
class Description:
    """A table; `print` it, or read `rows`.

    Attributes
    ----------
    rows : list of tuple
        (layer, operation, output shape, parameters, algorithm, why) in the order of execution, forward then gradient.
    """

    rows: list[tuple[str, str, tuple[int, ...], int, str, str]]

    @property
    def parameters(self) -> int:
        """The number of parameters."""
        return sum(row[3] for row in self.rows)

    def __str__(self) -> str:
        cells = [HEADINGS]
        for layer, operation, shape, count, algorithm, why in self.rows:
            cells.append(
                (layer, operation, "x".join(map(str, shape)) or "()", f"{count:,}" if count else "", algorithm, why)
            )
        widths = [max(len(row[k]) for row in cells) for k in range(len(HEADINGS))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
        ]
        lines.insert(1, "-" * len(lines[0]))
        return "\n".join([*lines, f"{self.parameters:,} parameters"])


def describe(model: Module, input_shape: tuple[int, ...], *, gradients: bool = True) -> Description:
    """The layers of a model for one input shape, with the algorithm that dispatch chooses for each, and why.

    Nothing is computed: the model runs over shapes alone.

    Parameters
    ----------
    model : Module
    input_shape : tuple of int
        (N, H, W, C).
    gradients : bool
        Whether to list the backward pass too.

    Returns
    -------
    Description
        Printable; its `rows` hold (layer, operation, output shape, parameters, algorithm, why).

    Examples
    --------
    >>> import minunet
    >>> table = describe(minunet.UNet(base_channels=4, depth=1), (1, 32, 32, 1))
    >>> table.rows[0][:3]
    ('contraction.0.convs.0', 'conv2d', (1, 32, 32, 4))
    """
    names = {id(p): name.rpartition(".")[0] for name, p in _arrays(model)}
    sizes: dict[str, int] = {}
    for parameter_name, parameter in model.named_parameters():
        layer = parameter_name.rpartition(".")[0]
        sizes[layer] = sizes.get(layer, 0) + parameter.size
    x = np.empty(input_shape, next((p.dtype for p in model.parameters()), np.float32))
    layers: list[str] = []
    with dry_run() as run:

        def noting(primitive: Any, args: tuple[Any, ...]) -> Any:
            # The layer is the one whose weight is among the arguments; operations without weights have none.
            layers.append(next((names[id(a)] for a in args if id(a) in names), ""))
            return run.answer(primitive, args)

        with replace(noting):
            y = model(x)
            if gradients and y.requires_grad:
                kept = [p.grad for p in model.parameters()]
                model.zero_grad()
                y.backward(np.empty(y.shape, y.dtype))
                for p, grad in zip(model.parameters(), kept, strict=True):
                    p.grad = grad
    rows, counted = [], set()
    for layer, call in zip(layers, run.calls, strict=True):
        count = 0 if layer in counted else sizes.get(layer, 0)
        counted.add(layer)
        rows.append((layer, call.primitive, call.shape, count, call.algorithm, call.why))
    return Description(rows)


def _arrays(model: Module) -> Iterator[tuple[str, Any]]:
    """(name, array) of every parameter."""
    for name, parameter in model.named_parameters():
        yield name, parameter.data
