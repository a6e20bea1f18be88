"""Up-convolution with any kernel, stride and padding against the plain one."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minunet.kernels import primitives
from minunet.kernels.cpu import threads
from minunet.kernels.cpu.im2col import window_matrix
from minunet.kernels.dispatch import prefer
from tests.kernels.cpu.conv_cases import PRECISIONS, assert_close

PAIRS = st.tuples(st.integers(1, 4), st.integers(1, 4))


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 3), st.integers(1, 24), st.integers(1, 24), st.integers(1, 40)),
    kernel_size=PAIRS,
    stride=PAIRS,
    padding=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    out_channels=st.integers(1, 30),
    needs=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    values_per_block=st.sampled_from([1, 3_000, 131_072]),
)
def test_equals_the_reference(
    dtype, tolerance, size, kernel_size, stride, padding, out_channels, needs, values_per_block
):
    assume(min(primitives.conv_transpose_out_size(size[1:3], kernel_size, stride, padding)) >= 1)
    rng = np.random.default_rng(0)
    x = rng.standard_normal(size).astype(dtype)
    weight = rng.standard_normal((*kernel_size, size[3], out_channels)).astype(dtype)
    bias = rng.standard_normal(out_channels).astype(dtype) if needs[2] else None
    with pytest.MonkeyPatch.context() as patch, prefer("conv_transpose_as_conv"):
        patch.setattr(window_matrix, "VALUES_PER_BLOCK", values_per_block)
        call = (x, weight, bias, stride, padding)
        assert primitives.conv_transpose2d.choose(*call).name == "conv_transpose_as_conv"
        expected = primitives.conv_transpose2d.reference(*call)
        assert_close(primitives.conv_transpose2d(*call), expected, tolerance)
        call = (rng.standard_normal(expected.shape).astype(dtype), x, weight, stride, padding, needs)
        assert primitives.conv_transpose2d_grads.choose(*call).name == "conv_transpose_as_conv"
        gradients = zip(
            primitives.conv_transpose2d_grads(*call),
            primitives.conv_transpose2d_grads.reference(*call),
            strict=True,
        )
        for actual, expected in gradients:
            assert_close(actual, expected, tolerance)


@pytest.mark.parametrize("stride", [(1, 1), (2, 1)])
def test_the_same_bits_for_any_number_of_threads(stride, monkeypatch):
    monkeypatch.setattr(window_matrix, "VALUES_PER_BLOCK", 5_000)
    rng = np.random.default_rng(1)
    x, weight, bias = (rng.standard_normal(s).astype(np.float32) for s in ((2, 23, 17, 9), (3, 3, 9, 8), (8,)))
    results = []
    for count in (1, 2, 3):
        monkeypatch.setattr(threads, "_num_threads", count)
        y = primitives.conv_transpose2d(x, weight, bias, stride, (1, 1))
        grads = primitives.conv_transpose2d_grads(y, x, weight, stride, (1, 1), (True, True, True))
        results.append([array.tobytes() for array in (y, *grads)])
    assert results[0] == results[1] == results[2]
