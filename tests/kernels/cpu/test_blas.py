"""Whether the BLAS library makes use of the processor, and what is said where it does not."""

from types import SimpleNamespace

import pytest

from minunet.kernels.cpu.blas import _processor_features, one_thread, slow_because, small_matrix_kernels

AVX2 = {"AVX2": True, "AVX512F": False}
AVX512 = {"AVX2": True, "AVX512F": True}


def openblas(architecture):
    return [SimpleNamespace(internal_api="openblas", architecture=architecture)]


@pytest.mark.parametrize(
    ("architecture", "features"),
    [("SkylakeX", AVX512), ("Cooperlake", AVX512), ("Haswell", AVX2), ("Zen", AVX2), ("neoversev1", {"SVE": True})],
)
def test_nothing_to_say_where_the_kernels_fit(architecture, features):
    assert slow_because(openblas(architecture), features, {}) is None


@pytest.mark.parametrize(
    ("architecture", "features", "environment", "words"),
    [
        ("Haswell", AVX512, {"OPENBLAS_CORETYPE": "Haswell"}, ["Haswell", "AVX-512", "unset", "OPENBLAS_CORETYPE"]),
        ("Haswell", AVX512, {}, ["Haswell", "AVX-512", "newer NumPy"]),
        ("Prescott", AVX2, {}, ["Prescott", "AVX2", "newer NumPy"]),
    ],
)
def test_lesser_kernels_are_named_with_the_remedy(architecture, features, environment, words):
    sentence = slow_because(openblas(architecture), features, environment)
    assert all(word in sentence for word in words)


def test_other_libraries_are_trusted():
    assert slow_because([SimpleNamespace(internal_api="mkl")], AVX512, {}) is None


def test_no_library_at_all(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    assert "install it from PyPI" in slow_because([], AVX512, {})
    monkeypatch.setattr("sys.platform", "darwin")
    assert slow_because([], {}, {}) is None


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
    assert one_thread.libraries()
    assert slow_because() is None or "matrix products" in slow_because()
    assert isinstance(_processor_features().get("AVX2", False), bool)
