"""Adam's step in blocks against the plain one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minunet.kernels import primitives
from minunet.kernels.cpu import adam

SHAPES = st.lists(st.integers(1, 40), min_size=1, max_size=3).map(tuple)
TYPES = st.sampled_from([(np.float64, 1e-12), (np.float32, 1e-6)])


@settings(max_examples=25, deadline=None)
@given(
    shapes=st.lists(SHAPES, min_size=1, max_size=4),
    precision=TYPES,
    weight_decay=st.sampled_from([0.0, 0.1]),
    step=st.integers(1, 5),
    values_per_block=st.sampled_from([7, 100_000]),
    joined=st.sampled_from([0, 30, 1 << 14]),
)
def test_adam(shapes, precision, weight_decay, step, values_per_block, joined):
    dtype, tolerance = precision
    rng = np.random.default_rng(2)
    # Parameters, gradients, first and second moments; the second are squares and so positive.
    groups = [[rng.standard_normal(shape).astype(dtype) for shape in shapes] for _ in range(4)]
    groups[3] = [array * array for array in groups[3]]
    expected, actual = ([[array.copy() for array in group] for group in groups] for _ in range(2))
    settings_of_adam = (step, 1e-2, (0.9, 0.999), 1e-8, weight_decay)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adam, "VALUES_PER_BLOCK", values_per_block)
        patch.setattr(adam, "MAX_JOINED", joined)
        assert primitives.adam.choose(*actual, *settings_of_adam).name == "adam"
        primitives.adam(*actual, *settings_of_adam)
    primitives.adam.reference(*expected, *settings_of_adam)
    for actual_group, expected_group in zip(actual, expected, strict=True):
        for a, b in zip(actual_group, expected_group, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4 if dtype is np.float32 else 1e-9, atol=4 * tolerance)
