"""Images of any size through the U-Net, which pads them and crops the result."""

import numpy as np
import pytest

from minunet import Tensor, UNet
from tests.nn.distinct_weights import with_distinct_weights
from tests.sample_arrays import distinct

VARIANTS = ["paper", "classic"]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 2), (8, 8), (17, 33), (5, 16)])
def test_any_size(variant, size):
    model = UNet(2, 3, base_channels=2, depth=3, variant=variant)
    x = Tensor(distinct((2, *size, 2), dtype=np.float32), requires_grad=True)
    y = model(x)
    assert y.shape == (2, *size, 3)
    assert y.dtype == np.float32
    y.sum().backward()
    assert x.grad.shape == x.shape
    assert all(p.grad is not None and p.grad.shape == p.shape for p in model.parameters())


def test_one_pixel_at_the_greatest_depth():
    assert UNet(base_channels=1, depth=8)(np.ones((1, 1, 1, 1))).shape == (1, 1, 1, 1)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("size", [(5, 7), (1, 9), (8, 6)])
def test_odd_sizes_are_the_zero_padded_image_cropped(variant, size):
    model = with_distinct_weights(UNet(base_channels=2, depth=2, variant=variant))
    x = distinct((1, *size, 1))
    whole = tuple(-(-n // 4) * 4 for n in size)
    padded = np.zeros((1, *whole, 1))
    padded[:, : size[0], : size[1]] = x
    np.testing.assert_array_equal(model(x).data, model(padded).data[:, : size[0], : size[1]])


def test_an_empty_batch():
    model = UNet(base_channels=1, depth=1)
    y = model(np.zeros((0, 5, 4, 1)))
    assert y.shape == (0, 5, 4, 1)
    y.backward(np.zeros(y.shape))
    assert not any(p.grad.any() for p in model.parameters())


def test_images_of_a_batch_do_not_meet():
    model = UNet(base_channels=2, depth=2)
    x = distinct((3, 6, 5, 1), dtype=np.float32)
    together = model(x).data
    for k in range(3):
        np.testing.assert_allclose(model(x[k : k + 1]).data, together[k : k + 1], rtol=1e-5, atol=1e-6)
