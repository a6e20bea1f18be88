"""The BLAS library behind `numpy.matmul`: its number of threads, and whether it is slower than it could be.

It is limited to one thread while our own thread pool works. Two layers of threads would compete for the same cores, and
the rounding of a product would depend on the number of threads.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy  # noqa: F401  loads the BLAS library that this module looks up

from minunet.forks import renew_in_child
from minunet.kernels.cpu.openblas import NumpyOpenBlas, numpy_openblas

if TYPE_CHECKING:
    import threadpoolctl

Result = TypeVar("Result")
Library: TypeAlias = "NumpyOpenBlas | threadpoolctl.LibController"
Libraries: TypeAlias = "list[Library]"


class SingleThreadedBlas:
    """Holds BLAS to one thread while any block is open: within it, a product is computed on the thread that calls it.

    Most libraries have one number of threads for the whole process. It is set when the first of several overlapping
    blocks begins and restored when the last one ends: products of the program outside our kernels keep all the
    threads they had. OpenBLAS built with OpenMP has a number for each calling thread, which each thread sets that begins
    a block. To begin and to end costs about ten microseconds, because the libraries are looked up only once.

    A block is any object, and open from `begin` to `end`. Both may be repeated, and whoever calls them should do so
    twice at the end, since a signal can interrupt the first time: see `call`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        renew_in_child(self, "_lock", threading.Lock)
        self._libraries: Libraries | None = None
        self._sorted: tuple[object, tuple[Libraries, Libraries]] = (None, ([], []))
        self._of_process = _Limit()
        self._of_thread = _LimitOfThread()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._of_thread_that_forked)

    def libraries(self) -> Libraries:
        """NumPy's BLAS library; where it has none of its own, all that were loaded at the first call of this method."""
        if self._libraries is None:
            own = numpy_openblas()
            self._libraries = _loaded_libraries() if own is None else [own]
        return self._libraries

    def call(self, function: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
        """function(*args, **kwargs) with BLAS on one thread."""
        block = object()
        try:
            try:
                self.begin(block)
                return function(*args, **kwargs)
            finally:
                self.end(block)
        finally:
            self.end(block)

    def begin(self, block: object) -> None:
        """Open a block on the calling thread."""
        of_process, of_thread = self._sort()
        with self._lock:
            self._of_process.begin(block, of_process)
        if of_thread:
            self._of_thread.begin(block, of_thread)

    def end(self, block: object) -> None:
        """Close a block on the thread that opened it; nothing is done where it is closed."""
        of_process, of_thread = self._sort()
        if of_thread:
            self._of_thread.end(block, of_thread)
        if self._of_process.has_to_end(block):
            with self._lock:
                self._of_process.end(block, of_process)

    def for_this_thread(self) -> None:
        """Limit the libraries that count by calling thread to one, for as long as the calling thread lives."""
        self._of_thread.begin(self, self._sort()[1])

    def is_held(self) -> bool:
        """Whether any block is open."""
        return bool(self._of_process.blocks)

    def _sort(self) -> tuple[Libraries, Libraries]:
        """The libraries with one number of threads for the whole process, and those with a number for each calling thread.

        They are sorted once: a training step begins and ends some hundred blocks.
        """
        if self._libraries is None or self._sorted[0] is not self._libraries:
            libraries = self.libraries()
            of_process = [library for library in libraries if not _has_thread_count(library)]
            of_thread = [library for library in libraries if _has_thread_count(library)]
            self._sorted = (libraries, (of_process, of_thread))
        return self._sorted[1]

    def _of_thread_that_forked(self) -> None:
        """In a forked child, close the blocks of the threads that it does not have."""
        here = threading.get_ident()
        for block in [block for block, thread in self._of_process.blocks.items() if thread != here]:
            self._of_process.end(block, self._sort()[0])


class _Limit:
    """Numbers of threads that are 1 while any block is open, and as they were before when none is.

    Attributes
    ----------
    blocks : dict
        The open blocks, each with the thread that opened it.
    """

    def __init__(self) -> None:
        self.blocks: dict[object, int] = {}
        self._before: list[int] | None = None  # set as long as there is something to restore
        self._is_set = False

    def begin(self, block: object, libraries: Sequence[Library]) -> None:
        """Open a block."""
        self.blocks[block] = threading.get_ident()
        if libraries and not self._is_set:
            if self._before is None:
                self._before = [library.get_num_threads() for library in libraries]
            _set_all(libraries, self._before, [1] * len(libraries))
            self._is_set = True

    def has_to_end(self, block: object) -> bool:
        """Whether a block is open, or numbers are still to be restored because a signal has interrupted `end`."""
        return block in self.blocks or (self._before is not None and not self.blocks)

    def end(self, block: object, libraries: Sequence[Library]) -> None:
        """Close a block."""
        self.blocks.pop(block, None)
        if not self.blocks and self._before is not None:
            self._is_set = False
            _set_all(libraries, [1] * len(libraries), self._before)
            self._before = None


class _LimitOfThread(threading.local, _Limit):
    """The same for the numbers of the calling thread."""


def _loaded_libraries() -> Libraries:
    import threadpoolctl  # most installations of NumPy do not need it, and it takes long to import

    return list(threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers)


def _has_thread_count(library: Library) -> bool:
    return library.internal_api == "openblas" and getattr(library, "threading_layer", None) == "openmp"


def _set_all(libraries: Sequence[Library], present: Sequence[int], numbers: Sequence[int]) -> None:
    """Set numbers of threads that differ from the present ones, from any thread.

    For OpenBLAS, threadpoolctl's own `set_num_threads` (3.8) silently does nothing except in the one thread that called
    it first. Our blocks may begin in one thread and end in another, so they call the function that it wraps.
    """
    for library, before, number in zip(libraries, present, numbers, strict=True):
        if before != number:
            getattr(library, "_real_set_num_threads", library.set_num_threads)(number)


single_threaded_blas = SingleThreadedBlas()


# OpenBLAS's names for the processors whose kernels use these instructions. "Zen" stands for the AVX2 of Haswell.
_AVX512_KERNELS = {"SkylakeX", "Cooperlake", "SapphireRapids"}
_AVX2_KERNELS = {"Haswell", "Zen", *_AVX512_KERNELS}


def small_matrix_kernels(libraries: Sequence[Library] | None = None) -> bool:
    """Whether the BLAS multiplies small matrices in place; others first copy ("pack") every operand into panels.

    On x86, OpenBLAS has such kernels only for AVX-512 (version 0.3.31). `libraries`: by default those of this process.
    """
    if libraries is None:
        return _small_matrix_kernels_here()
    return any(
        library.internal_api == "openblas" and getattr(library, "architecture", None) in _AVX512_KERNELS
        for library in libraries
    )


@lru_cache
def _small_matrix_kernels_here() -> bool:
    return small_matrix_kernels(single_threaded_blas.libraries())


def why_matmul_is_slow(
    libraries: Sequence[Library] | None = None,
    features: Mapping[str, bool] | None = None,
    environment: Mapping[str, str] = os.environ,
) -> str | None:
    """One sentence on why matrix products are slower here than they could be, and what to do; None where they are not.

    OpenBLAS chooses its kernels by the processor, but the variable OPENBLAS_CORETYPE overrides it, and an old version
    does not know a new processor. A NumPy without OpenBLAS, MKL or BLIS multiplies many times slower.

    Parameters
    ----------
    libraries, features, environment
        The BLAS libraries, the processor's instruction sets as NumPy names them, and the environment; by default those
        of this process.
    """
    libraries = single_threaded_blas.libraries() if libraries is None else libraries
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
    """The instruction sets of the processor as NumPy names them; none where this version of NumPy stores them elsewhere."""
    module = sys.modules.get("numpy._core._multiarray_umath")
    return getattr(module, "__cpu_features__", {})
