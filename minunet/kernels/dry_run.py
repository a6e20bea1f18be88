"""A run over shapes only: every primitive returns arrays that are never written, so that a network's whole step costs no time.

It shows which candidate each call would use and how much memory would be alive at the worst moment.
"""

from __future__ import annotations

import contextlib
import math
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minunet.kernels.array_spec import ArraySpec, ResultSpec
from minunet.kernels.dispatch import Primitive, intercept_calls


@dataclass
class DryCall:
    """One call of a primitive in a dry run.

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
    """The calls and the memory of a dry run.

    Attributes
    ----------
    calls : list of DryCall
        In order.
    live : int
        Bytes of results alive now.
    peak : int
        The most bytes of results alive at once. Arrays that exist before the run (weights, optimizer state, the batch)
        and the scratch space inside a primitive are not counted.
    """

    calls: list[DryCall] = field(default_factory=list)
    live: int = 0
    peak: int = 0

    def answer(self, primitive: Primitive, args: tuple[Any, ...]) -> Any:
        """Unwritten arrays of the shapes and dtypes that the primitive would return for these arguments."""
        candidate = primitive.choose(*args)
        result = self.unwritten(primitive.result_spec(*args))
        self.calls.append(DryCall(primitive.name, candidate.name, candidate.why, first_shape(result)))
        return result

    def unwritten(self, spec: ResultSpec) -> Any:
        """Arrays whose pages are never touched, nested as `spec`."""
        if spec is None:
            return None
        if isinstance(spec, np.ndarray):
            return spec
        if not isinstance(spec, ArraySpec):
            return tuple(self.unwritten(part) for part in spec)
        return self.empty(spec)

    def empty(self, spec: ArraySpec) -> np.ndarray:
        """One such array, which is counted while it lives."""
        array = np.empty(spec.shape, spec.dtype)
        size = math.prod(spec.shape) * array.itemsize
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(array, self._freed, size)
        return array

    def _freed(self, size: int) -> None:
        self.live -= size


def first_shape(result: Any) -> tuple[int, ...]:
    """The shape of the first array in a primitive's result; () if there is none."""
    first = next(_arrays(result), None)
    return () if first is None else first.shape


def _arrays(result: Any) -> Iterator[np.ndarray]:
    """The arrays of a result, which may be one array, None, or nested tuples."""
    if isinstance(result, tuple):
        for part in result:
            yield from _arrays(part)
    elif result is not None:
        yield result


@contextlib.contextmanager
def dry_run(run: DryRun | None = None) -> Iterator[DryRun]:
    """Within the block, primitives in this thread compute nothing.

    Parameters
    ----------
    run : DryRun, optional
        What sees the calls, a new one by default.

    Examples
    --------
    >>> import numpy as np, minunet
    >>> model = minunet.UNet(base_channels=4, depth=1)
    >>> with dry_run() as run:
    ...     logits = model(np.zeros((1, 8, 8, 1), np.float32))
    >>> run.calls[0].primitive, run.calls[0].shape
    ('conv2d', (1, 8, 8, 4))
    """
    run = DryRun() if run is None else run
    with intercept_calls(run.answer), np.errstate(all="ignore"):  # arithmetic between primitives meets unwritten memory
        yield run
