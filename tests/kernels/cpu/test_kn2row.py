"""kn2row against the plain convolution."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minunet.kernels.cpu import kn2row, threads
from tests.kernels.cpu.conv_cases import PRECISIONS, cases, compare_forward


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
@settings(max_examples=60, deadline=None)
@given(case=cases(most_padding=6), outputs=st.integers(1, 2), values_per_block=st.sampled_from([1, 3_000, 131_072]))
def test_equals_the_reference(dtype, tolerance, case, outputs, values_per_block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kn2row, "VALUES_PER_BLOCK", values_per_block)
        compare_forward(replace(case, out_channels=outputs), "kn2row", dtype, tolerance)


def test_the_same_bits_for_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(kn2row, "VALUES_PER_BLOCK", 3_000)
    rng = np.random.default_rng(0)
    xs = tuple(rng.standard_normal((2, 41, 30, c)).astype(np.float32) for c in (5, 7))
    weight, bias = rng.standard_normal((3, 3, 12, 2)).astype(np.float32), np.ones(2, np.float32)
    results = []
    for count in (1, 2, 3):
        monkeypatch.setattr(threads, "_num_threads", count)
        results.append(kn2row.conv2d(xs, weight, bias, (1, 1), ((1, 1), (1, 0)), "relu").tobytes())
    assert results[0] == results[1] == results[2]
