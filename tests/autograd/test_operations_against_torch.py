"""The same operations of tensors in PyTorch: values and gradients where they are not finite, or elements are equal."""

import numpy as np
import pytest

import minunet
from minunet import Tensor
from minunet import functional as F

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

SPECIAL = np.array([-np.inf, -2.0, -1.0, -0.0, 0.0, 0.5, 1.0, 1.0, 2.0, np.inf, np.nan])
ROLLED = np.roll(SPECIAL, 1)
TIES = np.random.default_rng(0).integers(0, 3, (3, 4, 5)).astype(float)
LOW, HIGH = np.where(np.isnan(ROLLED), 0.0, ROLLED), np.full(11, 0.5)
ROWS = np.array([0, 2, 0, -1])


def same(ours, theirs, values):
    """Compare the values and the gradients, the latter with different weights for the elements of the result."""
    a = [Tensor(v, requires_grad=True) for v in values]
    b = [torch.tensor(v, requires_grad=True) for v in values]
    with np.errstate(all="ignore"):
        y, z = ours(*a), theirs(*b)
        np.testing.assert_allclose(y.data, z.detach().numpy(), rtol=1e-12)
        grad = np.arange(1.0, y.size + 1).reshape(y.shape)
        y.backward(grad)
    z.backward(torch.tensor(grad))
    for t, u in zip(a, b, strict=True):
        np.testing.assert_allclose(t.grad, u.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda x: x.exp(), torch.exp),
        (lambda x: x.log(), torch.log),
        (lambda x: x.sqrt(), torch.sqrt),
        (abs, torch.abs),
        (lambda x: x.clip(0, 1), lambda x: x.clamp(0, 1)),
        (lambda x: x.clip(min=0.5), lambda x: x.clamp(min=0.5)),
        (lambda x: x.clip(max=-1), lambda x: x.clamp(max=-1)),
        (lambda x: x.clip(1, 0), lambda x: x.clamp(1, 0)),
        (lambda x: x.max(), torch.max),
        (lambda x: x.min(), torch.min),
        (lambda x: x[:-1].max(), lambda x: x[:-1].max()),
        (lambda x: x[::2].pad((1, 2), 0.5), lambda x: torch.nn.functional.pad(x[::2], (1, 2), value=0.5)),
        (lambda x: minunet.where(x > 0, x.log(), 0.0), lambda x: torch.where(x > 0, x.log(), 0.0)),
        (lambda x: minunet.where(x >= 0.5, x, -x), lambda x: torch.where(x >= 0.5, x, -x)),
        (lambda x: (x * 0.0).sqrt(), lambda x: (x * 0.0).sqrt()),
    ],
)
def test_values_that_are_not_finite(ours, theirs):
    same(ours, theirs, [SPECIAL])


@pytest.mark.parametrize(("ours", "theirs"), [(minunet.maximum, torch.maximum), (minunet.minimum, torch.minimum)])
@pytest.mark.parametrize("other", [SPECIAL, ROLLED, np.zeros(11)])
def test_two_values_that_are_not_finite_or_equal(ours, theirs, other):
    same(ours, theirs, [SPECIAL, other])


@pytest.mark.parametrize("bounds", [(LOW, HIGH), (HIGH, LOW), (SPECIAL[:-1], HIGH[:-1])])
def test_bounds_that_are_tensors(bounds):
    x = ROLLED[: len(bounds[0])]
    same(lambda x, a, b: x.clip(a, b), lambda x, a, b: x.clamp(a, b), [x, *bounds])
    same(lambda x, a: x.clip(a), lambda x, a: x.clamp(a), [x, bounds[0]])
    same(lambda x, b: x.clip(max=b), lambda x, b: x.clamp(max=b), [x, bounds[1]])


@pytest.mark.parametrize("axis", [0, 2, (0, 2), (0, 1, 2)])
def test_elements_that_are_equal(axis):
    same(lambda x: x.max(axis), lambda x: x.amax(axis), [TIES])
    same(lambda x: x.min(axis, keepdims=True), lambda x: x.amin(axis, keepdim=True), [TIES])


@pytest.mark.parametrize(
    "key",
    [1, (slice(1, None), ..., 0), (None, ROWS), (ROWS, slice(None), ROWS), TIES > 1, (slice(None), TIES[0, :, 0] > 0)],
)
def test_indices(key):
    same(lambda x: x[key], lambda x: x[there(key)], [TIES])


def there(key):
    """The index with torch's arrays."""
    if isinstance(key, tuple):
        return tuple(map(there, key))
    return torch.tensor(key) if isinstance(key, np.ndarray) else key


def test_comparisons():
    x, t = Tensor(SPECIAL), torch.tensor(SPECIAL)
    for ours, theirs in ((x > 0, t > 0), (x == ROLLED, t == torch.tensor(ROLLED)), (x != x, t != t), (x <= 1, t <= 1)):
        np.testing.assert_array_equal(ours, theirs.numpy())


def focal_loss(logits, target, module, gamma=2.0):
    """Lin et al. 2017, equation 4, in the same words in both libraries."""
    p = F.sigmoid(logits) if module is minunet else torch.sigmoid(logits)
    of_truth = module.where(target > 0.5, p, 1 - p)
    return (-((1 - of_truth) ** gamma) * of_truth.clip(1e-7, 1).log()).mean()


def test_a_focal_loss():
    logits = np.random.default_rng(0).normal(0, 3, (2, 5, 7, 1))
    target = (np.random.default_rng(1).random(logits.shape) > 0.7).astype(float)
    same(
        lambda x: focal_loss(x, target, minunet),
        lambda x: focal_loss(x, torch.tensor(target), torch),
        [logits],
    )
