"""NumPy's own OpenBLAS: the library in NumPy's packages on PyPI, reached through the module of NumPy that is linked to it.

threadpoolctl finds every BLAS library of any origin, but looks through all libraries of the process: of the time that a new process
takes to its first prediction, importing it and searching are two percent.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any

_NAME = "scipy_openblas_{}64_"  # of its functions; OpenBLAS of other origin has other names
_LAYERS = {1: "pthreads", 2: "openmp"}  # what `get_parallel` returns


class NumpyOpenBlas:
    """The functions of the library, under the names that threadpoolctl's controllers have.

    Parameters
    ----------
    function : callable
        Returns the function of the library of a name such as "get_num_threads"; an AttributeError where there is none.

    Attributes
    ----------
    architecture : str
        The processor whose kernels it uses, by OpenBLAS's name.
    threading_layer : {"pthreads", "openmp", "disabled"}
    """

    internal_api = "openblas"

    def __init__(self, function: Callable[[str], Any]):
        core_name = function("get_corename")
        core_name.restype = ctypes.c_char_p
        self.architecture: str = core_name().decode()
        self.threading_layer = _LAYERS.get(function("get_parallel")(), "disabled")
        self.get_num_threads: Callable[[], int] = function("get_num_threads")
        self.set_num_threads: Callable[[int], object] = function("set_num_threads")


def numpy_openblas() -> NumpyOpenBlas | None:
    """The library that NumPy multiplies with; None where it is not OpenBLAS, is of another origin, or counts threads by OpenMP."""
    module = sys.modules.get("numpy._core._multiarray_umath")
    file = None if module is None else module.__file__
    if file is None:
        return None
    try:
        library = ctypes.CDLL(file)  # it is loaded already; what it is linked to is searched as well
        found = NumpyOpenBlas(lambda name: getattr(library, _NAME.format(name)))
    except (AttributeError, OSError):
        return None
    return None if found.threading_layer == "openmp" else found
