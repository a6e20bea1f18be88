import numpy as np
import pytest
from scipy import ndimage
from skimage.measure import regionprops

from minunet.cells.convex_area import convex_area
from minunet.cells.pixel_moments import PixelMoments
from tests.cells.drawn_cells import disc


def shapes():
    """Cells of any shape in their boxes: in one piece or several, with holes, and lines of single pixels."""
    rng = np.random.default_rng(4)
    for _ in range(150):
        noise = ndimage.gaussian_filter(rng.normal(size=rng.integers(1, 36, 2)), rng.uniform(0.3, 3))
        yield noise > rng.uniform(-0.02, 0.05)
    yield from (np.ones(shape, bool) for shape in ((1, 1), (1, 9), (7, 1), (2, 2)))
    yield np.eye(11, dtype=bool)
    yield disc((60, 80), 30, 40, 25)


@pytest.fixture(scope="module")
def cells():
    return [region for shape in shapes() for region in regionprops(shape.astype(np.uint8))]


def test_convex_area_is_that_of_scikit_image(cells):
    assert [convex_area(region.image) for region in cells] == [int(region.area_convex) for region in cells]


def test_moments_are_those_of_scikit_image(cells):
    for region in cells:
        moments = PixelMoments.of(region.image)
        assert moments.area == region.area
        assert (moments.centre_y, moments.centre_x) == pytest.approx(region.centroid_local)
        assert moments.axes == pytest.approx((region.axis_major_length, region.axis_minor_length), abs=1e-5)
        assert moments.equivalent_diameter == pytest.approx(region.equivalent_diameter_area)
        assert moments.eccentricity == pytest.approx(region.eccentricity, abs=1e-5)
        if moments.eccentricity > 0.01:  # a circle has no orientation
            turned = (moments.orientation - region.orientation) % np.pi
            assert min(turned, np.pi - turned) < 1e-6
