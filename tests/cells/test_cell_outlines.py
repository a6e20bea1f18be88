import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.measure import find_contours

from minunet.cells.cell_outlines import SmoothOutline, level_segments, signed_area
from tests.cells.drawn_cells import disc, ellipse


@pytest.mark.parametrize("radius", [12, 15, 20, 31, 40])
def test_lengths_of_discs_anywhere_between_the_pixels_are_within_a_hundredth(radius):
    rng = np.random.default_rng(radius)
    for y, x in rng.uniform(radius + 3, radius + 4, (4, 2)):
        outline = SmoothOutline.of(disc((2 * radius + 8, 2 * radius + 8), y, x, radius))
        assert outline.perimeter == pytest.approx(2 * math.pi * radius, rel=0.01)
        assert outline.feret_diameters() == pytest.approx((2 * radius, 2 * radius), abs=0.7)


def test_feret_diameters_are_the_extremes_over_all_directions():
    outline = SmoothOutline.of(ellipse((60, 60), 30, 30, 24, 10, 0.4) | disc((60, 60), 40, 20, 8))
    points = outline.segments.reshape(-1, 2)
    widths = [np.ptp(points @ [math.cos(angle), math.sin(angle)]) for angle in np.linspace(0, math.pi, 4000)]
    assert outline.feret_diameters() == pytest.approx((max(widths), min(widths)), rel=1e-3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 2), (9, 1)])
def test_cells_of_a_few_pixels_have_an_outline(shape):
    outline = SmoothOutline.of(np.ones(shape, bool))
    assert outline.perimeter > 0
    largest, smallest = outline.feret_diameters()
    assert 0 < smallest <= largest <= max(shape) + 1


def test_holes_count_and_the_area_is_kept():
    ring = disc((70, 70), 35, 35, 30) & ~disc((70, 70), 35, 35, 12)
    outline = SmoothOutline.of(ring)
    assert outline.perimeter == pytest.approx(2 * math.pi * 42, rel=0.01)
    assert outline.area == pytest.approx(ring.sum(), rel=0.01)


def test_a_shoelace():
    square = np.array([[0, 0], [2, 0], [2, 3], [0, 3], [0, 0]], float)
    assert signed_area(square) == 6
    assert signed_area(square[::-1]) == -6


def test_lines_of_a_level_are_those_of_scikit_image():
    rng = np.random.default_rng(2)
    for number in range(12):
        image = gaussian_filter(rng.normal(size=(20, 30)), 0.5 + number % 3)
        if number % 4 == 0:
            image = np.round(8 * image)  # with pixels of exactly the level, and squares that are crossed twice
        level = float(np.quantile(image, 0.6))
        contours = find_contours(image, level)
        ends = np.concatenate([np.stack([line[:-1], line[1:]], axis=1) for line in contours])[..., ::-1]
        assert sides(level_segments(image, level)) == sides(ends)


def sides(segments):
    """The lines as a sorted list, without those of no length."""
    kept = [line for line in segments if not np.allclose(line[0], line[1])]
    return sorted(tuple((line.ravel().round(6) + 0.0).tolist()) for line in kept)
