"""Nearest-neighbour upsampling."""

import numpy as np
import pytest

from minunet import functional as F
from minunet import gradcheck
from tests.functional import loops
from tests.sample_arrays import distinct


@pytest.mark.parametrize(("scale", "pairs"), [(2, (2, 2)), ((3, 1), (3, 1)), ([1, 4], (1, 4)), (1, (1, 1))])
def test_upsample(scale, pairs):
    x = distinct((2, 3, 2, 3))
    np.testing.assert_array_equal(F.upsample2d(x, scale).data, loops.upsample2d(x, pairs))
    assert gradcheck(lambda t: F.upsample2d(t, scale), [x])


def test_upsample_defaults_dtype_and_refusals():
    assert F.upsample2d(np.zeros((1, 2, 3, 1), np.float32)).shape == (1, 4, 6, 1)
    assert F.upsample2d(np.zeros((1, 2, 3, 1), np.float32)).dtype == np.float32
    with pytest.raises(ValueError, match="upsample2d: scale must be at least 1, got 0"):
        F.upsample2d(np.zeros((1, 2, 3, 1)), 0)
    with pytest.raises(ValueError, match=r"upsample2d: x must have shape \(N, H, W, C\), got \(2, 3\)"):
        F.upsample2d(np.zeros((2, 3)))
