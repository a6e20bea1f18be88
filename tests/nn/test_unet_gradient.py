"""The gradient of the whole U-Net along random directions of all its parameters and its input."""

import numpy as np
import pytest

import minunet
from minunet import Tensor, UNet
from minunet import functional as F
from tests.nn.distinct_weights import with_distinct_weights
from tests.sample_arrays import distinct


def directional(model, x, target, seed, eps=1e-6):
    """(derivative by the gradients, by central differences) along one random direction of all parameters and the input."""
    rng = np.random.default_rng(seed)
    leaves = [x, *model.parameters()]
    for leaf in leaves:
        leaf.grad = None
    F.binary_cross_entropy_with_logits(model(x), target).backward()
    directions = [rng.standard_normal(leaf.shape) for leaf in leaves]
    along = sum(float((leaf.grad * d).sum()) for leaf, d in zip(leaves, directions, strict=True))
    values = [leaf.data for leaf in leaves]
    losses = []
    for sign in (1, -1):
        for leaf, value, d in zip(leaves, values, directions, strict=True):
            leaf.data = value + sign * eps * d
        with minunet.no_grad():
            losses.append(F.binary_cross_entropy_with_logits(model(x), target).item())
    for leaf, value in zip(leaves, values, strict=True):
        leaf.data = value
    return along, (losses[0] - losses[1]) / (2 * eps)


@pytest.mark.parametrize(
    "options",
    [
        {"variant": "paper"},
        {"variant": "classic"},
        {"variant": "paper", "block_end_relu": False, "pooling": "average"},
        {"variant": "classic", "activation": "tanh", "pooling": "sum"},
    ],
    ids=str,
)
def test_the_whole_gradient_in_random_directions(options):
    model = with_distinct_weights(UNet(2, 2, base_channels=2, depth=2, **options))
    x = Tensor(distinct((2, 7, 6, 2)), requires_grad=True)
    target = (distinct((2, 7, 6, 2), 5) > 0).astype(float)
    for seed in range(3):
        along, differences = directional(model, x, target, seed)
        assert along == pytest.approx(differences, rel=1e-6)
        assert abs(along) > 1e-4
