"""Dropout: how many elements it drops, that it keeps the mean, and that the seed decides which."""

import numpy as np
import pytest

from minunet import Tensor, gradcheck
from minunet import functional as F
from tests.sample_arrays import distinct


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_it_drops_the_share_p_and_keeps_the_mean(p):
    x = np.ones(200_000)
    y = F.dropout(x, p, rng(), True).data
    dropped = (y == 0).mean()
    assert dropped == pytest.approx(p, abs=5 * (p * (1 - p) / x.size) ** 0.5)  # five standard deviations
    np.testing.assert_allclose(y[y != 0], 1 / (1 - p), rtol=1e-12)
    assert y.mean() == pytest.approx(1, abs=5 * (p / (1 - p) / x.size) ** 0.5)


def test_elements_are_dropped_one_by_one_not_by_row_or_channel():
    y = F.dropout(np.ones((100, 100)), 0.5, rng(), True).data
    for axis in (0, 1):
        counts = (y == 0).sum(axis=axis)
        assert counts.min() > 20
        assert counts.max() < 80


def test_the_same_generator_state_drops_the_same_elements():
    x = np.ones((50, 4), np.float32)
    first, second = F.dropout(x, 0.5, rng(3), True).data, F.dropout(x, 0.5, rng(3), True).data
    np.testing.assert_array_equal(first, second)
    assert (first != F.dropout(x, 0.5, rng(4), True).data).any()
    np.testing.assert_array_equal(first == 0, F.dropout(x.astype(float), 0.5, rng(3), True).data == 0)
    generator = rng(3)
    F.dropout(x, 0.5, generator, True)
    assert (F.dropout(x, 0.5, generator, True).data != first).any()  # the stream goes on


@pytest.mark.parametrize("shape", [(), (7,), (3, 4), (2, 3, 2, 2)])
def test_the_gradient_passes_through_the_same_mask(shape):
    assert gradcheck(lambda x: F.dropout(x, 0.4, rng(), True), [distinct(shape)])
    x = Tensor(np.ones(shape), requires_grad=True)
    y = F.dropout(x, 0.4, rng(), True)
    y.backward(np.ones(shape))
    np.testing.assert_array_equal(x.grad, y.data)


def test_outside_training_and_at_zero_it_is_the_input_itself():
    x = Tensor(np.ones(5), requires_grad=True)
    generator = rng()
    before = generator.bit_generator.state
    assert F.dropout(x, 0.5, generator, False) is x
    assert F.dropout(x, 0.0, generator, True) is x
    assert generator.bit_generator.state == before


def test_at_one_nothing_is_left():
    x = Tensor(np.ones(5), requires_grad=True)
    y = F.dropout(x, 1.0, rng(), True)
    y.sum().backward()
    assert not y.data.any()
    assert not x.grad.any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept(dtype):
    x = Tensor(np.ones(9, dtype), requires_grad=True)
    y = F.dropout(x, np.float64(0.5), rng(), True)
    assert y.dtype == dtype
    y.sum().backward()
    assert x.grad.dtype == dtype


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_p_is_a_probability(p):
    with pytest.raises(ValueError, match=f"dropout: p must be between 0 and 1, got {p}"):
        F.dropout(np.ones(3), p, rng(), True)


@pytest.mark.parametrize("generator", [None, 0, np.random])
def test_randomness_is_an_explicit_generator(generator):
    with pytest.raises(ValueError, match="dropout: rng must be a numpy.random.Generator, got"):
        F.dropout(np.ones(3), 0.5, generator, True)
