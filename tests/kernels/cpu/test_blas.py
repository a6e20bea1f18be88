"""Whether the BLAS library makes use of the processor, and what is said where it does not."""

from types import SimpleNamespace

import pytest

from minunet.kernels.cpu.blas import _processor_features, single_threaded_blas, small_matrix_kernels, why_matmul_is_slow

AVX2 = {"AVX2": True, "AVX512F": False}
AVX512 = {"AVX2": True, "AVX512F": True}


def openblas(architecture):
    return [SimpleNamespace(internal_api="openblas", architecture=architecture)]


@pytest.mark.parametrize(
    ("architecture", "features"),
    [("SkylakeX", AVX512), ("Cooperlake", AVX512), ("Haswell", AVX2), ("Zen", AVX2), ("neoversev1", {"SVE": True})],
)
def test_nothing_to_say_where_the_kernels_fit(architecture, features):
    assert why_matmul_is_slow(openblas(architecture), features, {}) is None


@pytest.mark.parametrize(
    ("architecture", "features", "environment", "words"),
    [
        ("Haswell", AVX512, {"OPENBLAS_CORETYPE": "Haswell"}, ["Haswell", "AVX-512", "unset", "OPENBLAS_CORETYPE"]),
        ("Haswell", AVX512, {}, ["Haswell", "AVX-512", "newer NumPy"]),
        ("Prescott", AVX2, {}, ["Prescott", "AVX2", "newer NumPy"]),
    ],
)
def test_lesser_kernels_are_named_with_the_remedy(architecture, features, environment, words):
    sentence = why_matmul_is_slow(openblas(architecture), features, environment)
    assert all(word in sentence for word in words)


def test_other_libraries_are_trusted():
    assert why_matmul_is_slow([SimpleNamespace(internal_api="mkl")], AVX512, {}) is None


def test_no_library_at_all(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    assert "install it from PyPI" in why_matmul_is_slow([], AVX512, {})
    monkeypatch.setattr("sys.platform", "darwin")
    assert why_matmul_is_slow([], {}, {}) is None


@pytest.mark.parametrize(
    ("libraries", "expected"),
    [
        (openblas("SkylakeX"), True),
        (openblas("Haswell"), False),
        ([SimpleNamespace(internal_api="mkl")], False),
        ([SimpleNamespace(internal_api="blis", architecture="skx"), *openblas("Cooperlake")], True),
        ([], False),
    ],
)
def test_who_multiplies_small_matrices_in_place(libraries, expected):
    assert small_matrix_kernels(libraries) is expected


def test_this_process():
    assert single_threaded_blas.libraries()
    assert why_matmul_is_slow() is None or "matrix products" in why_matmul_is_slow()
    assert isinstance(_processor_features().get("AVX2", False), bool)
