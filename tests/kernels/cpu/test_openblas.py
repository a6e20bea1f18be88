"""NumPy's own OpenBLAS is the library that threadpoolctl finds, and the one whose number of threads a block changes."""

import _ctypes
import subprocess
import sys
from types import SimpleNamespace

import pytest
import threadpoolctl

from minunet.kernels.cpu import openblas
from minunet.kernels.cpu.blas import SingleThreadedBlas
from minunet.kernels.cpu.openblas import NumpyOpenBlas, numpy_openblas

OF_PYPI = [
    library
    for library in threadpoolctl.ThreadpoolController().lib_controllers
    if library.user_api == "blas" and "scipy_openblas64" in library.filepath and "numpy" in library.filepath
]


@pytest.mark.skipif(not OF_PYPI, reason="NumPy is not from PyPI")
def test_it_is_the_library_that_threadpoolctl_finds():
    own, (found,) = numpy_openblas(), OF_PYPI
    assert (own.internal_api, own.architecture) == (found.internal_api, found.architecture)
    assert own.threading_layer == found.threading_layer
    before = found.get_num_threads()
    try:
        own.set_num_threads(before + 2)
        assert own.get_num_threads() == found.get_num_threads() == before + 2
    finally:
        own.set_num_threads(before)


@pytest.mark.skipif(not OF_PYPI, reason="NumPy is not from PyPI")
def test_a_prediction_does_not_import_threadpoolctl():
    code = (
        "import sys, numpy, minunet\n"
        "minunet.load_model().predict(numpy.zeros((64, 64, 3), numpy.uint8))\n"
        "print('threadpoolctl' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


@pytest.mark.parametrize(
    "file", [None, "/no/such/library.so", getattr(_ctypes, "__file__", None)]
)  # the last is no BLAS
def test_elsewhere_threadpoolctl_is_asked(monkeypatch, file):
    monkeypatch.setitem(sys.modules, "numpy._core._multiarray_umath", SimpleNamespace(__file__=file))
    assert numpy_openblas() is None
    found = SingleThreadedBlas().libraries()
    assert found and all(isinstance(library, threadpoolctl.LibController) for library in found)


def test_numbers_of_threads_by_openmp_are_left_to_threadpoolctl(monkeypatch):
    class Function:
        def __init__(self, value):
            self.value = value

        def __call__(self):
            return self.value

    values = {"get_corename": b"Haswell", "get_parallel": 2, "get_num_threads": 4, "set_num_threads": None}
    library = NumpyOpenBlas(lambda name: Function(values[name]))
    assert (library.architecture, library.threading_layer) == ("Haswell", "openmp")
    monkeypatch.setattr(openblas, "NumpyOpenBlas", lambda function: library)
    assert numpy_openblas() is None
