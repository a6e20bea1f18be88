"""A primitive is one operation on arrays: a plain reference, and fast paths registered with a predicate and a cost.

The registry drives execution, the tests that hold every candidate against the reference, and the benchmarks that time them all.
"""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

MOST_SIGNATURES = 4096  # whose choices a primitive remembers

_REGISTRY: dict[str, Primitive] = {}


class _State(threading.local):
    """What the blocks below have set in this thread."""

    preferred: tuple[str, ...] = ()
    allowed: tuple[str, ...] | None = None  # None for all
    stand_in: Callable[[Primitive, tuple[Any, ...]], Any] | None = None

    @contextlib.contextmanager
    def holding(self, name: str, value: Any) -> Iterator[None]:
        """Set one of them within the block."""
        before = getattr(self, name)
        setattr(self, name, value)
        try:
            yield
        finally:
            setattr(self, name, before)


_STATE = _State()

# Imported at the first call of any primitive, so that every path is registered before one is chosen.
_PATHS = ("minunet.kernels.primitives", "minunet.kernels.cpu", "minunet.kernels.cuda")
_imported = False
_asked_anew = 0  # blocks of `ask_anew` that are open, in any thread


def _always(*args: Any) -> bool:
    return True


def _no_estimate(*args: Any) -> float:
    return float("inf")


@dataclass(frozen=True)
class Candidate:
    """One way to compute a primitive.

    Attributes
    ----------
    name : str
        What `prefer` and `describe` call it, such as "reference" or "im2col".
    run : callable
        Takes the primitive's arguments.
    when : callable
        Takes the same arguments; whether this path can compute them.
    cost : callable
        Takes the same arguments; the estimated time in nanoseconds. It must depend on shapes, dtypes and devices alone,
        so that the same call always takes the same path.
    why : str
        One sentence for a reader of `describe`.
    """

    name: str
    run: Callable[..., Any]
    when: Callable[..., bool] = _always
    cost: Callable[..., float] = _no_estimate
    why: str = ""


class Primitive:
    """An operation on arrays, called like a function; the cheapest applicable candidate computes it."""

    def __init__(self, name: str, reference: Callable[..., Any]):
        self.name = name
        self.reference = Candidate("reference", reference, why="plain array code, any shape and device")
        self._fast: list[Candidate] = []
        self._chosen: dict[Any, Candidate] = {}  # by signature
        _REGISTRY[name] = self

    def __repr__(self) -> str:
        return f"Primitive({self.name!r}, candidates={[c.name for c in self.all_candidates()]})"

    def __call__(self, *args: Any) -> Any:
        if _STATE.stand_in is not None:
            return _STATE.stand_in(self, args)
        return self.choose(*args).run(*args)

    def register(
        self,
        name: str,
        *,
        when: Callable[..., bool] = _always,
        cost: Callable[..., float] = lambda *args: 0.0,
        why: str = "",
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorator that adds a fast path; see `Candidate` for the arguments."""
        if any(candidate.name == name for candidate in self.all_candidates()):
            raise ValueError(f"{self.name} already has a candidate called {name!r}")

        def add(run: Callable[..., Any]) -> Callable[..., Any]:
            self._fast.append(Candidate(name, run, when, cost, why))
            self._chosen.clear()
            return run

        return add

    def all_candidates(self) -> list[Candidate]:
        """Every registered path, the reference first, applicable or not."""
        return [self.reference, *self._fast]

    def candidates(self, *args: Any) -> list[Candidate]:
        """The paths that can compute these arguments, the reference first."""
        _import_paths()
        allowed = _STATE.allowed
        return [self.reference, *(c for c in self._fast if (allowed is None or c.name in allowed) and c.when(*args))]

    def choose(self, *args: Any) -> Candidate:
        """The path that a call with these arguments takes: a preferred one where it applies, else the cheapest by estimate."""
        signature = None if _STATE.preferred or _STATE.allowed is not None or _asked_anew else _signature(args)
        if signature is None:
            return self._choose(args)
        found = self._chosen.get(signature)
        if found is None:
            if len(self._chosen) >= MOST_SIGNATURES:
                self._chosen.clear()
            found = self._chosen[signature] = self._choose(args)
        return found

    def _choose(self, args: tuple[Any, ...]) -> Candidate:
        applicable = self.candidates(*args)
        for name in reversed(_STATE.preferred):
            for candidate in applicable:
                if candidate.name == name:
                    return candidate
        if len(applicable) == 1:
            return applicable[0]
        return min(applicable, key=lambda candidate: candidate.cost(*args))


def _signature(args: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """All that a choice among NumPy paths may depend on, hashable; None where another library's arrays are among them."""
    parts: list[Any] = []
    for value in args:
        if type(value) is np.ndarray:
            parts.append((value.shape, value.dtype, value.flags.c_contiguous))
        elif isinstance(value, tuple | list):
            parts.append(_signature(tuple(value)))
            if parts[-1] is None:
                return None
        elif value is None or isinstance(value, bool | int | float | str):
            parts.append(value)
        else:
            return None
    return tuple(parts)


def primitive(reference: Callable[..., Any]) -> Primitive:
    """Decorator: makes a plain function the reference of a primitive of the same name."""
    made = Primitive(reference.__name__, reference)
    made.__doc__ = reference.__doc__
    return made


def primitives() -> dict[str, Primitive]:
    """Every primitive by name, with every path registered."""
    _import_paths()
    return dict(_REGISTRY)


@contextlib.contextmanager
def prefer(name: str) -> Iterator[None]:
    """Within the block, take the candidate of this name wherever it applies (in this thread); tests and benchmarks use it.

    Raises
    ------
    ValueError
        If no primitive has a candidate of this name.

    Examples
    --------
    >>> with prefer("reference"):
    ...     pass
    """
    _check_known("prefer", name)
    with _STATE.holding("preferred", (*_STATE.preferred, name)):
        yield


@contextlib.contextmanager
def only(*names: str) -> Iterator[None]:
    """Within the block, choose among the reference and the candidates of these names (in this thread), as another device would.

    Raises
    ------
    ValueError
        If no primitive has a candidate of one of these names.

    Examples
    --------
    >>> with only("cuda"):
    ...     pass
    """
    _check_known("only", *names)
    with _STATE.holding("allowed", names):
        yield


@contextlib.contextmanager
def replace(stand_in: Callable[[Primitive, tuple[Any, ...]], Any]) -> Iterator[None]:
    """Within the block, `stand_in(primitive, args)` answers every call of a primitive in this thread; `dry_run` is made of it."""
    with _STATE.holding("stand_in", stand_in):
        yield


@contextlib.contextmanager
def ask_anew() -> Iterator[None]:
    """Within the block no choice is remembered, in any thread: for tests in which equal arguments need not mean equal choices."""
    global _asked_anew
    _asked_anew += 1
    try:
        yield
    finally:
        _asked_anew -= 1


def _check_known(what: str, *names: str) -> None:
    known = sorted({candidate.name for primitive in primitives().values() for candidate in primitive.all_candidates()})
    for name in names:
        if name not in known:
            raise ValueError(f"{what}: no primitive has a candidate called {name!r}; there are {', '.join(known)}")


def _import_paths() -> None:
    global _imported
    if not _imported:
        for path in _PATHS:  # two threads may both come here; the second waits for the first one's imports
            importlib.import_module(path)
        _imported = True
