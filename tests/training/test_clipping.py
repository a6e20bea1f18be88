"""Gradient clipping: the norm and the direction after it, and gradients that are not finite."""

import math

import numpy as np
import pytest

from minunet.nn.module import Parameter
from minunet.training.clipping import clip_gradients, gradient_norm


def parameters(*grads):
    made = []
    for grad in grads:
        made.append(Parameter(np.zeros(2, np.float32)))
        made[-1].grad = None if grad is None else np.array(grad, np.float32)
    return made


def test_the_norm_is_that_of_all_gradients_as_one_vector():
    assert gradient_norm(parameters([1, 2], None, [4, 10])) == pytest.approx(math.sqrt(1 + 4 + 16 + 100))
    assert gradient_norm(parameters(None)) == 0.0


def test_a_longer_gradient_is_shortened_to_the_limit_in_its_direction():
    clipped = parameters([3, 0], None, [0, 4])
    assert clip_gradients(clipped, 1.0) == pytest.approx(5.0)
    assert np.allclose(clipped[0].grad, [0.6, 0]) and np.allclose(clipped[2].grad, [0, 0.8])
    assert clipped[1].grad is None and clipped[0].grad.dtype == np.float32
    assert gradient_norm(clipped) == pytest.approx(1.0)


def test_a_shorter_gradient_is_left_to_the_last_bit():
    left = parameters([0.1, 0.2], [0.3, 0.4])
    before = [parameter.grad.copy() for parameter in left]
    clip_gradients(left, 1.0)
    assert all(np.array_equal(parameter.grad, grad) for parameter, grad in zip(left, before, strict=True))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_gradient_that_is_not_finite_is_reported_and_left(bad):
    broken = parameters([1, bad], [30, 40])
    assert not math.isfinite(clip_gradients(broken, 1.0))
    assert np.array_equal(broken[1].grad, [30, 40])


def test_a_sum_of_squares_beyond_single_precision_is_still_a_number():
    long = parameters([1e30, 1e30])
    assert clip_gradients(long, 1.0) == pytest.approx(math.sqrt(2) * 1e30)
