"""Losses, compared with loops and finite differences; certain and wrong predictions, weights, any rank."""

import math

import numpy as np
import pytest

from minunet import Tensor, gradcheck
from minunet import functional as F
from tests.functional import loops
from tests.sample_arrays import distinct

SHAPES = [(), (1,), (6,), (2, 3), (2, 3, 4), (2, 3, 2, 2), (2, 1, 2, 3, 2)]


def probabilities(shape, seed=0, dtype=np.float64):
    return distinct(shape, seed, low=0.05, high=0.95, dtype=dtype)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_binary_cross_entropy(shape, weighted):
    p, target = probabilities(shape), probabilities(shape, 1)
    weight = distinct(shape, 2, low=0, high=3) if weighted else None
    loss = F.binary_cross_entropy(p, target, weight)
    assert loss.shape == ()
    expected = loops.mean_over_elements(loops.binary_cross_entropy, p, target, weight)
    assert loss.item() == pytest.approx(expected, rel=1e-12)
    assert gradcheck(lambda t: F.binary_cross_entropy(t, target, weight), [p])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_binary_cross_entropy_with_logits(shape, weighted):
    z, target = distinct(shape, low=-5, high=5), probabilities(shape, 1)
    weight = distinct(shape, 2, low=0, high=3) if weighted else None
    loss = F.binary_cross_entropy_with_logits(z, target, weight)
    assert loss.shape == ()
    expected = loops.mean_over_elements(lambda v, t: loops.binary_cross_entropy(loops.sigmoid(v), t), z, target, weight)
    assert loss.item() == pytest.approx(expected, rel=1e-10)
    assert gradcheck(lambda t: F.binary_cross_entropy_with_logits(t, target, weight), [z])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_certain_predictions_cost_at_most_100(dtype):
    """PyTorch's convention: the logarithms are at least -100, the gradient's denominator at least 1e-12."""
    p = Tensor(np.array([0, 0, 1, 1], dtype), requires_grad=True)
    target = np.array([0, 1, 0, 1])
    losses = [F.binary_cross_entropy(Tensor(p.data[k]), target[k]).item() for k in range(4)]
    assert losses == [0, 100, 100, 0]
    loss = F.binary_cross_entropy(p, target)
    assert loss.item() == 50
    loss.backward()
    np.testing.assert_allclose(p.grad, np.array([0, -1e12, 1e12, 0]) / 4, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [20, 100, 1e4, 1e30])
def test_logits_of_any_size_have_a_finite_loss_and_gradient(size, dtype):
    z = Tensor(np.array([size, size, -size, -size], dtype), requires_grad=True)
    loss = F.binary_cross_entropy_with_logits(z, [1, 0, 1, 0])
    assert loss.item() == pytest.approx(float(dtype(size)) / 2, rel=1e-6)
    loss.backward()
    np.testing.assert_allclose(z.grad, [0, 0.25, -0.25, 0], atol=1e-9)


def test_confident_right_logits_keep_their_small_loss():
    """log(1 + exp(-20)) would be 0 in float32 if 1 were added to exp(-20)."""
    loss = F.binary_cross_entropy_with_logits(np.float32([20.0]), [1.0])
    assert loss.item() == pytest.approx(math.exp(-20), rel=1e-5)


@pytest.mark.parametrize("loss", [F.binary_cross_entropy, F.binary_cross_entropy_with_logits])
def test_a_weight_multiplies_each_element_before_the_mean_over_all(loss):
    p, target = probabilities((2, 3)), np.array([[1.0, 0, 1], [0, 0, 1]])
    weight = np.array([[2.0, 0, 0], [0, 0, 0]])
    only_first = loss(p[:1, :1], target[:1, :1]).item()
    assert loss(p, target, weight).item() == pytest.approx(2 * only_first / 6)
    for shape in [(), (1,), (3,), (2, 1), (1, 3), (2, 3)]:  # PyTorch broadcasts weights
        w = distinct(shape, 4, low=0.5, high=2)
        full = np.ascontiguousarray(np.broadcast_to(w, (2, 3)))
        assert loss(p, target, w).item() == pytest.approx(loss(p, target, full).item(), rel=1e-14)
    assert loss(p, target, 3).item() == pytest.approx(3 * loss(p, target).item())
    assert gradcheck(lambda t: loss(t, target, np.array([1.0, 2, 3])), [p])


@pytest.mark.parametrize("loss", [F.binary_cross_entropy, F.binary_cross_entropy_with_logits, F.dice_loss])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (3, 4)])
def test_targets_of_any_kind_keep_the_predictions_dtype(loss, dtype, shape):
    target = (distinct(shape, 1) > 0).astype(np.uint8)
    values = []
    for t in (target, target.astype(bool), target.astype(float), target.tolist(), Tensor(target)):
        p = Tensor(probabilities(shape, dtype=dtype), requires_grad=True)
        value = loss(p, t)
        assert value.dtype == dtype
        value.backward()
        assert (p.grad.dtype, p.grad.shape) == (dtype, shape)
        values.append(value.item())
    assert len(set(values)) == 1


@pytest.mark.parametrize("loss", [F.binary_cross_entropy, F.binary_cross_entropy_with_logits, F.dice_loss])
def test_refusals(loss):
    name = loss.__name__
    p = Tensor(probabilities((2, 3)))
    with pytest.raises(ValueError, match=rf"{name}: target must have shape \(2, 3\), got \(3,\)"):
        loss(p, np.ones(3))
    with pytest.raises(ValueError, match=f"{name}: target cannot require a gradient; pass target.detach()"):
        loss(p, Tensor(np.ones((2, 3)), requires_grad=True))
    with pytest.raises(ValueError, match=rf"{name}: .* has no elements, its shape is \(0, 3\)"):
        loss(np.zeros((0, 3)), np.zeros((0, 3)))
    if loss is not F.dice_loss:
        with pytest.raises(
            ValueError, match=rf"{name}: weight must have shape \(2, 3\) or one that broadcasts to it, got \(2,\)"
        ):
            loss(p, np.ones((2, 3)), np.ones(2))
        with pytest.raises(ValueError, match=rf"{name}: weight must have shape \(2, 3\) .*, got \(4, 2, 3\)"):
            loss(p, np.ones((2, 3)), np.ones((4, 2, 3)))


@pytest.mark.parametrize("p", [[-0.1, 0.5], [0.5, 1.001]])
def test_probabilities_outside_0_and_1_are_refused(p):
    with pytest.raises(
        ValueError, match="p must be probabilities in .0, 1., got values from .*use binary_cross_entropy_with_logits"
    ):
        F.binary_cross_entropy(p, [0, 1])


@pytest.mark.parametrize("shape", [(4,), (3, 5), (2, 3, 4), (2, 2, 3, 2), (2, 1, 2, 2, 3), (1, 1)])
def test_cross_entropy(shape):
    z = distinct(shape, low=-3, high=3)
    labels = np.random.default_rng(0).integers(0, shape[-1], shape[:-1])
    loss = F.cross_entropy(z, labels)
    assert loss.shape == ()
    assert loss.item() == pytest.approx(loops.cross_entropy(z, labels), rel=1e-12, abs=1e-15)
    assert gradcheck(lambda t: F.cross_entropy(t, labels), [z])


@pytest.mark.parametrize("labels", [[0, 2], (0, 2), np.array([0, 2], np.uint8), np.array([0.0, 2.0]), Tensor([0, 2])])
def test_labels_of_any_kind(labels):
    z = distinct((2, 3))
    assert F.cross_entropy(z, labels).item() == F.cross_entropy(z, np.array([0, 2])).item()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cross_entropy_of_scores_of_ten_thousand(dtype):
    z = Tensor(np.array([[1e4, 0, -1e4], [1e4, 0, -1e4]], dtype), requires_grad=True)
    loss = F.cross_entropy(z, [0, 2])
    assert loss.dtype == dtype
    assert loss.item() == 1e4
    loss.backward()
    np.testing.assert_allclose(z.grad, [[0, 0, 0], [0.5, 0, -0.5]])


@pytest.mark.parametrize(
    ("logits", "labels", "message"),
    [
        (np.zeros(()), 0, r"logits must end in an axis of classes, got shape \(\)"),
        (np.zeros((2, 3)), [0], r"labels must have shape \(2,\), got \(1,\)"),
        (np.zeros((2, 3)), [[0, 1, 0], [1, 0, 0]], r"labels must have shape \(2,\), got \(2, 3\)"),
        (np.zeros((2, 3)), [0, 3], "labels must be whole numbers from 0 to 2"),
        (np.zeros((2, 3)), [-1, 0], "labels must be whole numbers from 0 to 2"),
        (np.zeros((2, 3)), [0.5, 0], "labels must be whole numbers from 0 to 2"),
        (np.zeros((2, 3)), [float("nan"), 0], "labels must be whole numbers from 0 to 2"),
        (np.zeros((0, 3)), np.zeros(0, int), r"logits has no elements, its shape is \(0, 3\)"),
    ],
)
def test_cross_entropy_refusals(logits, labels, message):
    with pytest.raises(ValueError, match=f"cross_entropy: {message}"):
        F.cross_entropy(logits, labels)


@pytest.mark.parametrize("shape", [(1,), (5,), (2, 3), (3, 2, 2), (2, 3, 4, 1), (2, 2, 1, 3, 2)])
def test_dice_loss(shape):
    z, target = distinct(shape, low=-3, high=3), (distinct(shape, 1) > 0).astype(float)
    loss = F.dice_loss(z, target)
    assert loss.shape == ()
    assert loss.item() == pytest.approx(loops.dice_loss(z, target), rel=1e-12)
    assert gradcheck(lambda t: F.dice_loss(t, target), [z])
    grey = probabilities(shape, 2)
    assert F.dice_loss(z, grey).item() == pytest.approx(loops.dice_loss(z, grey), rel=1e-12)
    assert gradcheck(lambda t: F.dice_loss(t, grey), [z])


def test_dice_loss_of_a_single_number():
    z = np.array(0.7)
    assert F.dice_loss(z, 1.0).item() == pytest.approx(loops.dice_loss(z[None], np.ones(1)))
    assert gradcheck(lambda t: F.dice_loss(t, 1.0), [z])


def test_dice_is_a_mean_over_images_not_over_the_batch_as_one():
    z = np.full((2, 4, 4, 1), -50.0)
    z[0, 0, 0] = 50  # one predicted pixel in the first image; no target and no prediction in the second
    target = (z > 0).astype(float)
    assert F.dice_loss(z, target).item() == pytest.approx(0, abs=1e-12)
    wrong = target[::-1]
    # (2*0 + 1) / (1 + 0 + 1) in the first, (2*0 + 1) / (0 + 1 + 1) in the second
    assert F.dice_loss(z, wrong).item() == pytest.approx(0.5, abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dice_loss_of_logits_of_ten_thousand(dtype):
    z = Tensor(np.array([[1e4, -1e4], [-1e4, 1e4]], dtype), requires_grad=True)
    loss = F.dice_loss(z, [[1, 0], [1, 0]])
    assert loss.item() == pytest.approx(1 - (1 + 1 / 3) / 2)
    loss.backward()
    assert np.isfinite(z.grad).all()


TARGETED = {
    "binary_cross_entropy": lambda t: F.binary_cross_entropy(np.full(t.shape, 0.5), t),
    "binary_cross_entropy_with_logits": lambda t: F.binary_cross_entropy_with_logits(np.zeros(t.shape), t),
    "dice_loss": lambda t: F.dice_loss(np.zeros(t.shape), t),
}


@pytest.mark.parametrize("name", TARGETED)
@pytest.mark.parametrize("value", [255, 2, 1.01, -0.01, np.nan, np.inf])
def test_targets_outside_0_to_1_are_refused(name, value):
    target = np.array([[0, 1, 0.5, value]])
    advice = "divide a mask of 0 and 255 by 255" if value >= 2 else ""
    for given in (target, Tensor(target)):
        with pytest.raises(ValueError, match=rf"{name}: target must lie in \[0, 1\], got values from .*{advice}"):
            TARGETED[name](given)


@pytest.mark.parametrize("name", TARGETED)
def test_targets_that_interpolation_made_are_taken(name):
    TARGETED[name](np.array([[1 + 1e-6, -1e-6, 0.3]]))
    TARGETED[name](np.array([[True, False]]))
    TARGETED[name](np.array([[0, 1]], np.uint8))


@pytest.mark.parametrize("count", [1, 50_000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_infinite_logits_are_certain_answers(count, dtype):
    def loss(logit, target):
        z = Tensor(np.array([logit] + [3.0] * (count - 1), dtype), requires_grad=True)
        y = F.binary_cross_entropy_with_logits(
            z, np.array([target] + [1.0] * (count - 1), dtype), np.ones(count, dtype)
        )
        y.backward()
        return y.item() * count - (count - 1) * math.log1p(math.exp(-3)), z.grad[0] * count

    for sign in (1, -1):
        value, gradient = loss(sign * np.inf, sign > 0)
        assert value == pytest.approx(0, abs=1e-3)
        assert gradient == 0
        value, gradient = loss(sign * np.inf, sign < 0)
        assert value == np.inf
        assert gradient == pytest.approx(sign)


@pytest.mark.parametrize("size", [0, 1e2, 1e4, 1e8])
@pytest.mark.parametrize("gap", [5, 18, 40])
def test_cross_entropy_keeps_small_losses_of_large_logits(size, gap):
    z = Tensor(np.array([[size, size - gap, -np.inf]]), requires_grad=True)
    loss = F.cross_entropy(z, [0])
    assert loss.item() == pytest.approx(math.log1p(math.exp(-gap)), rel=1e-6)
    loss.backward()
    right = math.exp(-gap) / (1 + math.exp(-gap))
    np.testing.assert_allclose(z.grad, [[-right, right, 0]], rtol=1e-6)


def test_cross_entropy_of_confident_float32_logits():
    z = Tensor(np.float32([[1000, 980]]), requires_grad=True)
    loss = F.cross_entropy(z, [0])
    assert loss.item() == pytest.approx(math.exp(-20), rel=1e-5)
    loss.backward()
    np.testing.assert_allclose(z.grad, [[-math.exp(-20), math.exp(-20)]], rtol=1e-5)


def test_the_largest_logits_cause_no_warning():
    assert F.cross_entropy(np.float32([[3e38, -3e38]]), [0]).item() == 0
    np.testing.assert_array_equal(F.softmax(np.float32([3e38, -3e38])).data, [1, 0])


@pytest.mark.parametrize("labels", [np.ma.array([0, 1], mask=[0, 1]), ["a", "b"], [0j, 1j]])
def test_labels_that_are_no_numbers_are_refused(labels):
    with pytest.raises((TypeError, ValueError), match="masked array|labels must be whole numbers"):
        F.cross_entropy(np.zeros((2, 2)), labels)
