"""The microscope: light by the law of Beer and Lambert, and blur."""

import numpy as np
import pytest

from minunet.data.synthetic.microscope import Microscope, blur
from minunet.data.synthetic.stain import Stain, sample_absorbance


def test_light_follows_beer_and_lambert():
    """A perfect instrument shows lamp * 10 ** -(sum of concentration times absorbance)."""
    rng = np.random.default_rng(0)
    stains = np.repeat(rng.uniform(0, 1, (len(Stain), 1, 1)).astype(np.float32), 8, axis=1).repeat(9, axis=2)
    absorbance = sample_absorbance(rng, 0.3)
    lamp = np.array([0.9, 0.8, 0.7])
    perfect = Microscope(lamp, (0.0, 0.0), 0.0, (0.0, 0.0), np.full(3, 0.8), 0.0, 0.0)
    image = perfect.photograph(rng, stains, absorbance)
    expected = lamp * 10 ** -(stains[:, 0, 0] @ absorbance) * 255
    assert image.shape == (8, 9, 3)
    assert np.abs(image - expected).max() <= 0.51


def test_blur_is_a_gaussian():
    plane = np.zeros((41, 41), np.float32)
    plane[20, 20] = 1
    blur(plane, 2.5)
    offsets = np.arange(41) - 20
    assert plane.sum() == pytest.approx(1, abs=1e-5)
    assert (plane.sum(0) * offsets**2).sum() == pytest.approx(2.5**2, rel=0.04)  # cut at three standard deviations
    np.testing.assert_allclose(plane, plane.T, atol=1e-7)
