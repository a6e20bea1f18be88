"""Products at every tap and shifted sums against the plain convolution."""

from dataclasses import replace

import pytest
from conv_cases import PRECISIONS, cases, compare_forward
from hypothesis import given, settings
from hypothesis import strategies as st

from minunet.kernels.cpu import few_outputs


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
@settings(max_examples=60, deadline=None)
@given(case=cases(most_padding=6), outputs=st.integers(1, 2), chunk=st.sampled_from([1, 3_000, 131_072]))
def test_equals_the_reference(dtype, tolerance, case, outputs, chunk):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(few_outputs, "CHUNK", chunk)
        compare_forward(replace(case, out_channels=outputs), "taps", dtype, tolerance)
