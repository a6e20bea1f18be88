"""The outline of a cell: its distances and its area are those of the curve."""

import numpy as np
import pytest

from minunet.data.synthetic.outline import ANGLES, Outline, crenated, disc, ellipse, scaled, teardrop


def test_a_disc_is_measured_exactly():
    outline = Outline(20.3, 17.8, 0.7, scaled(np.ones_like(ANGLES), 9.5))
    region = outline.region((40, 44), 4)
    field = outline.distance_field(region)
    rows, columns = np.mgrid[region]
    rho = np.hypot(columns + 0.5 - 20.3, rows + 0.5 - 17.8)
    np.testing.assert_allclose(field.u, rho / 9.5, rtol=1e-5)
    np.testing.assert_allclose(field.distance, 9.5 - rho, atol=1e-4)
    assert np.array_equal(field.inside, rho < 9.5)
    assert outline.area == pytest.approx(np.pi * 9.5**2)


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: disc(rng, 0.04),
        lambda rng: ellipse(rng, 1.8, 0.03, 0.2),
        lambda rng: teardrop(rng, 0.8, 0.03),
        lambda rng: crenated(rng, 14, 0.15),
    ],
    ids=["disc", "ellipse", "teardrop", "crenated"],
)
def test_an_outline_covers_its_area(draw):
    """The pixels inside, and the soft coverage that is drawn, both add up to the area of the curve."""
    rng = np.random.default_rng(3)
    outline = Outline(60.2, 59.1, 1.1, scaled(draw(rng), 30.0))
    assert outline.area == pytest.approx(np.pi * 900)
    field = outline.distance_field((slice(0, 120), slice(0, 120)))
    assert np.array_equal(field.inside, field.distance > 0)
    assert np.count_nonzero(field.inside) == pytest.approx(outline.area, rel=0.01)
    assert field.coverage(1.0).sum() == pytest.approx(outline.area, rel=0.01)
    assert np.all((field.coverage(1.0) > 0.5) == field.inside)


def test_a_region_outside_the_picture_is_none():
    outline = Outline(-30.0, 10.0, 0.0, scaled(np.ones_like(ANGLES), 9.0))
    assert outline.region((20, 20), 3) is None
