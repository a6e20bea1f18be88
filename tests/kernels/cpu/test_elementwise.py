"""Activations and the loss against the plain versions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minunet.kernels import primitives
from minunet.kernels.cpu import elementwise, threads

SHAPES = st.lists(st.integers(1, 40), min_size=1, max_size=3).map(tuple)
TYPES = st.sampled_from([(np.float64, 1e-12), (np.float32, 1e-6)])


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(elementwise, "VALUES_PER_BLOCK", 50)
    monkeypatch.setattr(elementwise, "MIN_VALUES", 1)
    monkeypatch.setattr(elementwise, "MIN_VALUES_PER_BLOCK", 1)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("name", ["relu", "sigmoid", "tanh"])
@settings(max_examples=25, deadline=None)
@given(shape=SHAPES, precision=TYPES, spread=st.sampled_from([1.0, 1e4]))
def test_activations(name, shape, precision, spread):
    dtype, tolerance = precision
    rng = np.random.default_rng(0)
    x, grad = (rng.standard_normal(shape).astype(dtype) for _ in range(2))
    x *= dtype(spread)
    forward, backward = getattr(primitives, name), getattr(primitives, f"{name}_grad")
    assert forward.choose(x).name == backward.choose(grad, x).name == "elementwise"
    y = forward.reference(x)
    np.testing.assert_allclose(forward(x), y, rtol=tolerance, atol=0)
    assert forward(x).dtype == dtype
    np.testing.assert_allclose(backward(grad, y), backward.reference(grad, y), rtol=4 * tolerance, atol=0)


@pytest.mark.usefixtures("small_blocks")
@settings(max_examples=25, deadline=None)
@given(shape=SHAPES, precision=TYPES, spread=st.sampled_from([1.0, 30.0, 1e4]), weighted=st.booleans())
def test_binary_cross_entropy(shape, precision, spread, weighted):
    dtype, tolerance = precision
    rng = np.random.default_rng(1)
    logits = (spread * rng.standard_normal(shape)).astype(dtype)
    target = rng.random(shape).astype(dtype)
    weight = rng.random(shape).astype(dtype) if weighted else None
    assert primitives.bce_with_logits.choose(logits, target, weight).name == "elementwise"
    loss, expected = (
        f(logits, target, weight) for f in (primitives.bce_with_logits, primitives.bce_with_logits.reference)
    )
    assert loss.dtype == dtype
    np.testing.assert_allclose(loss, expected, rtol=4 * tolerance)
    grad = np.array(1.5, dtype)
    actual = primitives.bce_with_logits_grad(grad, logits, target, weight)
    expected = primitives.bce_with_logits_grad.reference(grad, logits, target, weight)
    assert actual.dtype == dtype
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=tolerance / logits.size)


@pytest.mark.usefixtures("small_blocks")
def test_a_confident_and_right_answer_keeps_its_small_loss():
    logits, target = np.full((4, 30), 50, np.float32), np.ones((4, 30), np.float32)
    assert primitives.bce_with_logits.choose(logits, target, None).name == "elementwise"
    np.testing.assert_allclose(primitives.bce_with_logits(logits, target, None), np.exp(np.float32(-50)), rtol=1e-5)


def test_small_and_scattered_arrays_are_left_to_the_reference():
    large = np.ones((600, 600), np.float32)
    assert primitives.relu.choose(large).name == "elementwise"
    assert primitives.relu.choose(large[:3]).name == "reference"
    assert primitives.relu.choose(large.T).name == "reference"
    assert primitives.bce_with_logits.choose(large, large[:1], None).name == "reference"
    assert primitives.bce_with_logits.choose(large, large.astype(np.float64), None).name == "reference"


def test_the_same_bits_for_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(elementwise, "MIN_VALUES", 1)
    monkeypatch.setattr(elementwise, "MIN_VALUES_PER_BLOCK", 1)
    rng = np.random.default_rng(3)
    logits, target = (rng.standard_normal((3, 256, 256, 1)).astype(np.float32) for _ in range(2))
    results = []
    for count in (1, 2, 3, 2):
        monkeypatch.setattr(threads, "_num_threads", count)
        loss = primitives.bce_with_logits(logits, target, None)
        params = [logits.copy(), target.copy()]
        moments = [[np.ones_like(p) for p in params] for _ in range(2)]
        primitives.adam(params, [target, logits], *moments, 2, 1e-3, (0.9, 0.999), 1e-8, 0.0)
        results.append([array.tobytes() for array in (loss, *params, *moments[0], *moments[1])])
    assert all(result == results[0] for result in results)
