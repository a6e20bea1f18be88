"""Every form of a convolution's stride and padding, and TensorFlow's rule for "same"."""

import math

import numpy as np
import pytest

from minunet import functional as F
from minunet import gradcheck
from tests.sample_arrays import distinct


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 10])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("stride", [1, 2, 3, 7])
def test_same_is_ceil_of_size_over_stride_with_the_odd_pad_at_the_end(size, kernel, stride):
    """TensorFlow's rule: total = max((ceil(n / s) - 1) s + k - n, 0), half of it, rounded down, at the top or left."""
    out = math.ceil(size / stride)
    total = max((out - 1) * stride + kernel - size, 0)
    before, after = total // 2, total - total // 2
    x, weight = distinct((1, size, 3, 1)), distinct((kernel, 1, 1, 1), 1)
    y = F.conv2d(x, weight, stride=(stride, 1), padding="same")
    assert y.shape == (1, out, 3, 1)
    padded = np.pad(x, ((0, 0), (before, after), (0, 0), (0, 0)))
    expected = F.conv2d(padded, weight, stride=(stride, 1)).data[:, :out]
    np.testing.assert_allclose(y.data, expected, rtol=1e-12, atol=1e-14)
    turned = F.conv2d(x.swapaxes(1, 2), weight.swapaxes(0, 1), stride=(1, stride), padding="same")
    np.testing.assert_allclose(turned.data.swapaxes(1, 2), y.data, rtol=1e-12, atol=1e-14)


def test_same_gradients_where_the_pads_differ():
    for stride, kernel in ((2, (2, 3)), ((3, 2), (4, 4)), (1, (2, 4))):
        assert gradcheck(
            lambda x, w, s=stride: F.conv2d(x, w, stride=s, padding="same"),
            [distinct((2, 5, 4, 2)), distinct((*kernel, 2, 2), 1)],
        )


@pytest.mark.parametrize(
    ("given", "pairs"),
    [
        ({"stride": 2}, {"stride": (2, 2)}),
        ({"stride": [1, 2]}, {"stride": (1, 2)}),
        ({"stride": np.int64(2)}, {"stride": (2, 2)}),
        ({"padding": 1}, {"padding": (1, 1)}),
        ({"padding": [0, 2]}, {"padding": (0, 2)}),
        ({"padding": "valid"}, {"padding": (0, 0)}),
        ({"padding": "same"}, {"padding": (1, 1)}),
        ({}, {"stride": (1, 1), "padding": (0, 0)}),
    ],
)
def test_forms_of_stride_and_padding(given, pairs):
    x, weight = distinct((1, 5, 5, 1)), distinct((3, 3, 1, 1), 1)
    np.testing.assert_array_equal(F.conv2d(x, weight, **given).data, F.conv2d(x, weight, **pairs).data)
