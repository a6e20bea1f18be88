"""A primitive is one operation on arrays: a plain reference, the shape of its result, and fast paths with a predicate and a cost.

The registry drives execution, the tests that compare every candidate with the reference, and the benchmarks that time them all.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from minunet.kernels.array_spec import ResultSpec

MAX_CACHED_CHOICES = 4096  # per primitive

_REGISTRY: dict[str, Primitive] = {}


class _Overrides(threading.local):
    """The settings of the context managers below, in this thread."""

    preferred: tuple[str, ...] = ()
    allowed: tuple[str, ...] | None = None  # None: every candidate
    interceptor: Callable[[Primitive, tuple[Any, ...]], Any] | None = None

    @contextlib.contextmanager
    def setting(self, name: str, value: Any) -> Iterator[None]:
        """Set one attribute within the block."""
        before = getattr(self, name)
        setattr(self, name, value)
        try:
            yield
        finally:
            setattr(self, name, before)


_OVERRIDES = _Overrides()

# Imported before a candidate is chosen, so that every path that could take the arrays is registered by then.
_MODULES_WITH_CANDIDATES = ("minunet.kernels.primitives", "minunet.kernels.cpu")
_MODULES_FOR_GPUS = ("minunet.kernels.cuda",)
_imported: set[str] = set()
_uncached_blocks = 0  # open `without_choice_cache` blocks, in all threads


def _always(*args: Any) -> bool:
    return True


def _no_estimate(*args: Any) -> float:
    return float("inf")


class Candidate(NamedTuple):
    """One way to compute a primitive.

    Attributes
    ----------
    name : str
        The name that `prefer` takes and `describe` prints, such as "reference" or "im2col".
    run : callable
        Takes the primitive's arguments.
    when : callable
        Takes the same arguments; whether this path can compute them.
    cost : callable
        Takes the same arguments; the estimated time in nanoseconds. It must depend only on shapes, dtypes and devices,
        so that the same call always takes the same path.
    why : str
        One sentence for a reader of `describe`.
    run_by_key : callable, optional
        Does what `run` does, and takes the `signature` of the arguments before them; for a path that remembers something of each.
    """

    name: str
    run: Callable[..., Any]
    when: Callable[..., bool] = _always
    cost: Callable[..., float] = _no_estimate
    why: str = ""
    run_by_key: Callable[..., Any] | None = None


class Primitive:
    """An operation on arrays. Calling it runs the cheapest applicable candidate.

    Attributes
    ----------
    name : str
    reference : callable
        The plain array code, for any shape and device: `primitive.reference(*args)`.
    result_spec : callable
        Takes the same arguments; shapes and dtypes of the result, without computing it.
    deciding : int or None
        How many of the first arguments the choice of a candidate depends on; None is all of them.
    """

    def __init__(
        self,
        name: str,
        reference: Callable[..., Any],
        result_spec: Callable[..., ResultSpec],
        deciding: int | None = None,
    ):
        self.name = name
        self.reference = reference
        self.result_spec = result_spec
        self.deciding = deciding
        self._candidates = [Candidate("reference", reference, why="plain array code, any shape and device")]
        self._choice_cache: dict[Any, Candidate] = {}  # by signature
        self.__doc__ = reference.__doc__
        _REGISTRY[name] = self

    def __repr__(self) -> str:
        return f"Primitive({self.name!r}, candidates={[c.name for c in self._candidates]})"

    def __call__(self, *args: Any) -> Any:
        if _OVERRIDES.interceptor is not None:
            return _OVERRIDES.interceptor(self, args)
        return self.compute(*args)

    def compute(self, *args: Any) -> Any:
        """What a call computes where nothing intercepts it."""
        key = self._key(args)
        candidate = self._choose(args) if key is None else self._remembered(key, args)
        if key is None or candidate.run_by_key is None:
            return candidate.run(*args)
        return candidate.run_by_key(key, *args)

    def register(
        self,
        name: str,
        *,
        when: Callable[..., bool] = _always,
        cost: Callable[..., float] = lambda *args: 0.0,
        why: str = "",
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorator that adds a fast path; see `Candidate` for the arguments.

        A module whose first import was interrupted registers its paths once more: they take the places of the former ones.
        """

        def add(run: Callable[..., Any]) -> Callable[..., Any]:
            place = next((k for k, candidate in enumerate(self._candidates) if candidate.name == name), None)
            candidate = Candidate(name, run, when, cost, why, getattr(run, "by_key", None))
            if place is None:
                self._candidates.append(candidate)
            elif _definition(self._candidates[place].run) == _definition(run):
                self._candidates[place] = candidate
            else:
                raise ValueError(f"{self.name} already has a candidate called {name!r}")
            self._choice_cache.clear()
            return run

        return add

    def all_candidates(self) -> list[Candidate]:
        """Every registered candidate, the reference first, applicable or not."""
        return list(self._candidates)

    def candidates(self, *args: Any) -> list[Candidate]:
        """The candidates that can compute these arguments, the reference first."""
        _import_candidates()
        reference, *fast = self._candidates
        allowed = _OVERRIDES.allowed
        return [reference, *(c for c in fast if (allowed is None or c.name in allowed) and c.when(*args))]

    def choose(self, *args: Any) -> Candidate:
        """The candidate for a call with these arguments: a preferred one where it applies, else the cheapest by estimate."""
        key = self._key(args)
        return self._choose(args) if key is None else self._remembered(key, args)

    def _key(self, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """The signature of the arguments; None where the choice is not to be remembered."""
        if _OVERRIDES.preferred or _OVERRIDES.allowed is not None or _uncached_blocks > 0:
            return None
        return signature(args[: self.deciding])

    def _remembered(self, key: tuple[Any, ...], args: tuple[Any, ...]) -> Candidate:
        candidate = self._choice_cache.get(key)
        if candidate is None:
            if len(self._choice_cache) >= MAX_CACHED_CHOICES:
                self._choice_cache.clear()
            candidate = self._choice_cache[key] = self._choose(args)
        return candidate

    def _choose(self, args: tuple[Any, ...]) -> Candidate:
        applicable = self.candidates(*args)
        for name in reversed(_OVERRIDES.preferred):
            for candidate in applicable:
                if candidate.name == name:
                    return candidate
        if len(applicable) == 1:
            return applicable[0]
        return min(applicable, key=lambda candidate: candidate.cost(*args))


def _definition(run: Callable[..., Any]) -> tuple[str, str]:
    """Where a candidate's function is defined: its module, and its name there."""
    function = getattr(run, "func", run)  # of a partial, the function behind it
    return function.__module__, function.__qualname__


_PLAIN = frozenset({bool, int, float, str, type(None)})


def signature(args: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """A hashable key of everything that a choice may depend on; None if an argument is an array of another library."""
    parts: list[Any] = []
    for value in args:
        kind = type(value)
        if kind is np.ndarray:
            parts.append((value.shape, value.dtype, value.flags.c_contiguous))
        elif kind in _PLAIN or (kind is tuple and _PLAIN.issuperset(map(type, value))):
            parts.append(value)
        elif isinstance(value, tuple | list):
            parts.append(signature(tuple(value)))
            if parts[-1] is None:
                return None
        elif isinstance(value, bool | int | float | str):
            parts.append(value)
        else:
            return None
    return tuple(parts)


def primitive(
    result_spec: Callable[..., ResultSpec], deciding: int | None = None
) -> Callable[[Callable[..., Any]], Primitive]:
    """Decorator that makes a plain function the reference of a primitive of the same name.

    Parameters
    ----------
    result_spec : callable
        Takes the function's arguments and returns the shapes and dtypes of its result, nested as the result is.
    deciding : int, optional
        How many of the first arguments a choice may depend on: numbers that change from call to call, such as a learning
        rate, come after them, so that a choice is remembered for all their values.
    """

    def make(reference: Callable[..., Any]) -> Primitive:
        return Primitive(reference.__name__, reference, result_spec, deciding)

    return make


def primitives() -> dict[str, Primitive]:
    """Every primitive by name, with all its candidates registered."""
    _import_candidates(all_devices=True)
    return dict(_REGISTRY)


@contextlib.contextmanager
def prefer(name: str) -> Iterator[None]:
    """Within the block, choose the candidate of this name wherever it applies (in this thread); for tests and benchmarks.

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
    with _OVERRIDES.setting("preferred", (*_OVERRIDES.preferred, name)):
        yield


@contextlib.contextmanager
def only(*names: str) -> Iterator[None]:
    """Within the block, choose only among the reference and the candidates of these names (in this thread).

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
    with _OVERRIDES.setting("allowed", names):
        yield


@contextlib.contextmanager
def intercept_calls(interceptor: Callable[[Primitive, tuple[Any, ...]], Any]) -> Iterator[None]:
    """Within the block, `interceptor(primitive, args)` computes every call of a primitive in this thread; `dry_run` uses it."""
    with _OVERRIDES.setting("interceptor", interceptor):
        yield


def has_overrides() -> bool:
    """Whether a block of this module is open, so that calls may not go to the candidates that they usually go to."""
    overridden = _OVERRIDES.preferred or _OVERRIDES.allowed is not None or _OVERRIDES.interceptor is not None
    return bool(overridden) or _uncached_blocks > 0


@contextlib.contextmanager
def without_choice_cache() -> Iterator[None]:
    """Within the block, every call chooses again, in all threads; for tests in which equal arguments may need another candidate."""
    global _uncached_blocks
    _uncached_blocks += 1
    try:
        yield
    finally:
        _uncached_blocks -= 1


def _check_known(operation: str, *names: str) -> None:
    known = sorted({candidate.name for primitive in primitives().values() for candidate in primitive.all_candidates()})
    for name in names:
        if name not in known:
            raise ValueError(f"{operation}: no primitive has a candidate called {name!r}; there are {', '.join(known)}")


def _import_candidates(*, all_devices: bool = False) -> None:
    """Import the modules whose candidates can take arrays of this process: there are none on a GPU before CuPy is imported."""
    with_gpus = all_devices or "cupy" in sys.modules
    for module in _MODULES_WITH_CANDIDATES + (_MODULES_FOR_GPUS if with_gpus else ()):
        if module not in _imported:
            importlib.import_module(module)  # a second thread that comes here waits for the first one's imports
            _imported.add(module)
