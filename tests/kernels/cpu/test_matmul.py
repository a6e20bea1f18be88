"""Matrix products in blocks: the same values however they are cut, and cut only where that is of use."""

import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minunet.kernels.cpu import matmul

BLOCKS = st.sampled_from([1_000, 20_000, math.inf])


@given(
    rows=st.integers(1, 300),
    length=st.integers(1, 80),
    columns=st.integers(1, 200),
    batch=st.integers(1, 3),
    block=BLOCKS,
)
def test_multiply(rows, length, columns, batch, block):
    rng = np.random.default_rng(rows)
    a, b = rng.standard_normal((batch, rows, length)), rng.standard_normal((batch, length, columns))
    out = np.full((batch, rows, columns), np.nan)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matmul, "max_block", lambda: block)
        matmul.replay(matmul.record_matmul(a, b, out))
    np.testing.assert_allclose(out, a @ b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("length", [500, 4999, 5000])
@pytest.mark.parametrize("transposed", [False, True])
def test_long_sums_for_a_small_result_leave_the_interpreter_to_other_threads(length, transposed):
    rng = np.random.default_rng(length)
    a = rng.standard_normal((1, length, 9)).transpose(0, 2, 1) if transposed else rng.standard_normal((1, 9, length))
    b, out = rng.standard_normal((1, length, 16)), np.full((1, 9, 16), np.nan)
    calls = matmul.record_matmul(a, b, out)
    sizes = [
        (call.args[2].size, call.args[2].size * call.args[0].shape[-1]) for call in calls if call.func is np.matmul
    ]
    assert all(size > matmul.MAX_VALUES_WITH_GIL or work <= matmul.MAX_WORK_WITH_GIL for size, work in sizes)
    matmul.replay(calls)
    np.testing.assert_allclose(out, a @ b, rtol=1e-10, atol=1e-12)


@given(size=st.tuples(st.integers(1, 8), st.integers(1, 8)), length=st.integers(1, 3000), block=BLOCKS)
def test_transform(size, length, block):
    rng = np.random.default_rng(length)
    matrix, rows = rng.standard_normal(size), rng.standard_normal((2, size[1], length))
    out = np.full((2, size[0], length), np.nan)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matmul, "max_block", lambda: block)
        matmul.replay(matmul.record_transform(matrix, rows, out))
    np.testing.assert_allclose(out, matrix @ rows, rtol=1e-10, atol=1e-12)


def calls(block: float, rows: int = 1000) -> list[partial]:
    a, b = np.zeros((2, rows, 64), np.float32), np.zeros((2, 64, 64), np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matmul, "max_block", lambda: block)
        return matmul.record_matmul(a, b, np.zeros((2, rows, 64), np.float32))


def test_blocks_only_where_the_blas_multiplies_them_in_place_and_blocks_of_a_size_in_one_call():
    (whole,) = calls(math.inf)
    assert whole.args[0].shape == (2, 1000, 64)
    (stacked,) = calls(matmul.MAX_IN_PLACE)  # 4.1 million multiplications a matrix
    assert stacked.args[0].shape == (2, 5, 200, 64)
    assert [call.args[0].shape for call in calls(matmul.MAX_IN_PLACE, 1003)] == [(2, 3, 201, 64), (2, 2, 200, 64)]


def test_the_block_follows_from_the_blas(monkeypatch):
    for small, expected in ((True, matmul.MAX_IN_PLACE), (False, math.inf)):
        monkeypatch.setattr(matmul, "small_matrix_kernels", lambda small=small: small)
        matmul.max_block.cache_clear()
        assert matmul.max_block() == expected
    matmul.max_block.cache_clear()
