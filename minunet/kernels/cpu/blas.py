"""The BLAS library behind `numpy.matmul`: held to one thread while our own threads share out the work.

Two layers of threads would fight over the same cores, and a product's rounding would depend on how many there are.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache

import numpy as np
import threadpoolctl


class OneThread:
    """Context manager, re-entrant and shared by every thread: within it, BLAS computes on the thread that calls it.

    Most libraries have one number of threads for the whole process. It is set when the first of several overlapping
    blocks is entered and goes back when the last one is left: a program's own products outside our kernels keep every
    thread they had. OpenBLAS on OpenMP has a number for each calling thread, which is set by each that enters.
    Entering and leaving costs some ten microseconds, because the libraries are looked up once and not per call.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._libraries: list[threadpoolctl.LibController] | None = None
        self._before: list[int] = []
        self._own = _OwnNumbers()

    def libraries(self) -> list[threadpoolctl.LibController]:
        """The BLAS libraries that were loaded when this was first asked; NumPy's is always among them."""
        if self._libraries is None:
            self._libraries = threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers
        return self._libraries

    @cached_property
    def _shared(self) -> list[threadpoolctl.LibController]:
        """The libraries with one number for the whole process."""
        return [library for library in self.libraries() if not _counts_by_thread(library)]

    @cached_property
    def _by_thread(self) -> list[threadpoolctl.LibController]:
        """The libraries with a number for each calling thread."""
        return [library for library in self.libraries() if _counts_by_thread(library)]

    def __enter__(self) -> OneThread:
        with self._lock:
            if self._inside == 0:
                self._before = _limit_to_one(self._shared)
            self._inside += 1
        self._own.enter(self._by_thread)
        return self

    def __exit__(self, *exception: object) -> None:
        self._own.leave(self._by_thread)
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                _set_all(self._shared, self._before)

    def for_this_thread(self) -> None:
        """Hold libraries with a number for each calling thread to one, for as long as the calling thread lives."""
        self._own.enter(self._by_thread)

    def reset_after_fork(self) -> None:
        """A forked child starts outside every block, whatever its parent's other threads were doing."""
        self._lock = threading.Lock()
        if self._inside:
            self._inside = 0
            _set_all(self._shared, self._before)


class _OwnNumbers(threading.local):
    """The numbers of libraries that have one for each calling thread, as they were before this thread's outermost block."""

    def __init__(self) -> None:
        self._depth = 0
        self._before: list[int] = []

    def enter(self, libraries: Sequence[threadpoolctl.LibController]) -> None:
        self._depth += 1
        if self._depth == 1:
            self._before = _limit_to_one(libraries)

    def leave(self, libraries: Sequence[threadpoolctl.LibController]) -> None:
        self._depth -= 1
        if self._depth == 0:
            _set_all(libraries, self._before)


def _counts_by_thread(library: threadpoolctl.LibController) -> bool:
    return library.internal_api == "openblas" and getattr(library, "threading_layer", None) == "openmp"


def _limit_to_one(libraries: Sequence[threadpoolctl.LibController]) -> list[int]:
    """Set the numbers of threads to 1; returns what they were."""
    before = [library.get_num_threads() for library in libraries]
    _set_all(libraries, [1] * len(libraries))
    return before


def _set_all(libraries: Sequence[threadpoolctl.LibController], numbers: Sequence[int]) -> None:
    """Set numbers of threads, from any thread.

    threadpoolctl's own `set_num_threads` (3.8) silently does nothing for OpenBLAS but in the one thread that called it
    first. Our blocks may begin in one thread and end in another, so they ask for what lies below it.
    """
    for library, number in zip(libraries, numbers, strict=True):
        getattr(library, "_real_set_num_threads", library.set_num_threads)(number)


one_thread = OneThread()


# OpenBLAS's names for the processors whose kernels use these instructions. "Zen" stands for the AVX2 of Haswell.
_AVX512_KERNELS = {"SkylakeX", "Cooperlake", "SapphireRapids"}
_AVX2_KERNELS = {"Haswell", "Zen", *_AVX512_KERNELS}


def small_matrix_kernels(libraries: Sequence[threadpoolctl.LibController] | None = None) -> bool:
    """Whether a BLAS multiplies small matrices where they lie; others first copy every operand into panels.

    OpenBLAS has such kernels for AVX-512 alone (on x86, version 0.3.31). `libraries`: by default those of this process.
    """
    if libraries is None:
        return _small_matrix_kernels_here()
    return any(
        library.internal_api == "openblas" and getattr(library, "architecture", None) in _AVX512_KERNELS
        for library in libraries
    )


@lru_cache
def _small_matrix_kernels_here() -> bool:
    return small_matrix_kernels(one_thread.libraries())


def slow_because(
    libraries: Sequence[threadpoolctl.LibController] | None = None,
    features: Mapping[str, bool] | None = None,
    environment: Mapping[str, str] = os.environ,
) -> str | None:
    """One sentence on why matrix products run slower here than they could, and what to do; None where they do not.

    OpenBLAS picks its kernels by the processor, but the variable OPENBLAS_CORETYPE overrides it, and an old version
    does not know a new processor; a NumPy without OpenBLAS, MKL or BLIS multiplies many times slower.

    Parameters
    ----------
    libraries, features, environment
        The BLAS libraries, the processor's instruction sets as NumPy names them, and the environment; by default those
        of this process.
    """
    libraries = one_thread.libraries() if libraries is None else libraries
    features = _processor_features() if features is None else features
    if not libraries:
        if sys.platform == "darwin":
            return None  # NumPy uses Apple's Accelerate there, which threadpoolctl does not see
        return (
            "NumPy has no fast BLAS library here, so that matrix products are many times slower; install it from PyPI"
        )
    for library in libraries:
        kernels = getattr(library, "architecture", None)
        if library.internal_api != "openblas" or kernels is None:
            continue
        if features.get("AVX512F") and kernels not in _AVX512_KERNELS:
            better, longer = "AVX-512", "up to twice"
        elif features.get("AVX2") and kernels not in _AVX2_KERNELS:
            better, longer = "AVX2", "two to four times"
        else:
            continue
        if "OPENBLAS_CORETYPE" in environment:
            remedy = "unset the environment variable OPENBLAS_CORETYPE"
        else:
            remedy = "a newer NumPy may know the processor"
        return (
            f"OpenBLAS uses its kernels for {kernels}, but this processor has {better}: matrix products may take {longer} "
            f"as long; {remedy}"
        )
    return None


def _processor_features() -> Mapping[str, bool]:
    """What NumPy found out about the processor when it was imported; nothing where a version of it keeps that elsewhere."""
    module = sys.modules.get(f"{np._core.__name__}._multiarray_umath")
    return getattr(module, "__cpu_features__", {})
