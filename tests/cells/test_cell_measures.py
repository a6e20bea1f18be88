"""Measures: against analytic values on discs and ellipses, against scikit-image, and by hand for stain, clumps and edges."""

import math

import numpy as np
import pytest
from skimage.measure import regionprops

from minunet.cells.cell_measures import CELL_COLUMNS, MICROMETRE_COLUMNS, measure_cells
from minunet.cells.cell_stain import CellStain, brightness
from minunet.cells.touching_cells import in_clumps
from minunet.data.synthetic.smear import draw_smear
from tests.cells.drawn_cells import disc, ellipse

SAME_AS_REGIONPROPS = {
    "area_px2": "area",
    "equivalent_diameter_px": "equivalent_diameter_area",
    "major_axis_px": "axis_major_length",
    "minor_axis_px": "axis_minor_length",
    "eccentricity": "eccentricity",
    "solidity": "solidity",
}


def measure(cell, **images):
    (row,) = measure_cells(cell.astype(np.int32), **images)
    return row


def perimeter_of_ellipse(a, b):
    """Ramanujan's second approximation, exact to 1e-9 here."""
    h = ((a - b) / (a + b)) ** 2
    return math.pi * (a + b) * (1 + 3 * h / (10 + math.sqrt(4 - 3 * h)))


@pytest.mark.parametrize("radius", [15, 22.5, 40])
def test_a_disc_has_its_analytic_measures(radius):
    side = int(2 * radius) + 9
    row = measure(disc((side, side), side / 2 - 0.3, side / 2 + 0.2, radius))
    assert row["area_px2"] == pytest.approx(math.pi * radius**2, rel=0.01)
    assert row["perimeter_px"] == pytest.approx(2 * math.pi * radius, rel=0.01)
    assert row["equivalent_diameter_px"] == pytest.approx(2 * radius, rel=0.01)
    for name in ("largest", "smallest"):
        assert row[f"{name}_diameter_px"] == pytest.approx(2 * radius, abs=0.67)
    assert row["major_axis_px"] == pytest.approx(2 * radius, rel=0.01)
    assert row["circularity"] == pytest.approx(1, abs=0.02)
    assert row["solidity"] > 0.97
    assert row["centroid_x_px"] == pytest.approx(side / 2 + 0.2, abs=0.1)
    assert row["centroid_y_px"] == pytest.approx(side / 2 - 0.3, abs=0.1)


@pytest.mark.parametrize("degrees", [0, 17, 45, 76, 90])
def test_an_ellipse_has_its_analytic_measures(degrees):
    row = measure(ellipse((101, 101), 50, 50, 40, 25, np.radians(degrees)))
    assert row["area_px2"] == pytest.approx(math.pi * 40 * 25, rel=0.01)
    assert row["perimeter_px"] == pytest.approx(perimeter_of_ellipse(40, 25), rel=0.01)
    assert row["largest_diameter_px"] == pytest.approx(80, rel=0.01)
    assert row["smallest_diameter_px"] == pytest.approx(50, rel=0.01)
    assert row["major_axis_px"] == pytest.approx(80, rel=0.01)
    assert row["minor_axis_px"] == pytest.approx(50, rel=0.01)
    assert row["eccentricity"] == pytest.approx(math.sqrt(1 - (25 / 40) ** 2), rel=0.01)
    # Counter-clockwise from the vertical, while the ellipse is turned from the horizontal downwards.
    assert math.cos(2 * math.radians(row["orientation_deg"] - 90 + degrees)) == pytest.approx(1, abs=0.01)


def test_measures_are_those_of_scikit_image_where_it_has_them():
    smear = draw_smear(np.random.default_rng(2), (120, 96))
    rows = measure_cells(smear.instances)
    regions = regionprops(smear.instances)
    assert len(rows) == len(regions) > 4
    for row, region in zip(rows, regions, strict=True):
        for name, attribute in SAME_AS_REGIONPROPS.items():
            assert row[name] == pytest.approx(getattr(region, attribute))
        # scikit-image's are coarser: four directions, and a hull of whole pixels.
        if region.area > 300:
            assert row["perimeter_px"] == pytest.approx(region.perimeter_crofton, rel=0.02)
            assert row["largest_diameter_px"] == pytest.approx(region.feret_diameter_max - 1, rel=0.04)
        assert (row["centroid_y_px"], row["centroid_x_px"]) == pytest.approx(region.centroid)
        top, left, bottom, right = region.bbox
        assert (row["box_left_px"], row["box_top_px"]) == (left, top)
        assert (row["box_width_px"], row["box_height_px"]) == (right - left, bottom - top)
        assert row["area_px2"] == np.count_nonzero(smear.instances == row["id"])


def test_columns_are_the_documented_ones():
    cell = disc((40, 40), 20, 20, 12)
    probability, light = np.where(cell, 0.8, 0.1), np.where(cell, 50, 200).astype(np.float32)
    row = measure(cell, probability=probability, brightness=light, pixel_size=0.5)
    assert list(row) == [*CELL_COLUMNS, *MICROMETRE_COLUMNS]
    assert row["area_um2"] == pytest.approx(row["area_px2"] / 4)
    assert row["largest_diameter_um"] == pytest.approx(row["largest_diameter_px"] / 2)
    assert row["confidence"] == pytest.approx(0.8)
    assert row["mean_optical_density"] == pytest.approx(math.log10(4), rel=1e-4)
    assert row["summed_optical_density"] == pytest.approx(math.log10(4) * row["area_px2"], rel=1e-4)
    bare = measure(cell)
    assert list(bare) == list(CELL_COLUMNS)
    assert bare["confidence"] is None and bare["mean_optical_density"] is None and bare["central_pallor"] is None


@pytest.mark.parametrize("share", [0.3, 0.45, 0.6])
def test_central_pallor_is_the_diameter_of_the_pale_centre(share):
    cell = disc((80, 80), 40, 40, 30)
    light = np.where(cell, 80, 200.0)
    light[disc((80, 80), 40, 40, 30 * share)] = 150
    noise = np.random.default_rng(0).normal(0, 4, light.shape)
    assert measure(cell, brightness=light + noise)["central_pallor"] == pytest.approx(share, abs=0.04)


def test_a_cell_without_pallor_and_one_with_a_dark_centre_have_none():
    cell = disc((80, 80), 40, 40, 30)
    flat = np.where(cell, 80, 200.0) + np.random.default_rng(0).normal(0, 4, cell.shape)
    assert measure(cell, brightness=flat)["central_pallor"] == 0
    dark = np.where(disc((80, 80), 40, 40, 12), 30, flat)
    assert measure(cell, brightness=dark)["central_pallor"] == 0
    assert measure(disc((20, 20), 10, 10, 3), brightness=np.full((20, 20), 90.0))["central_pallor"] is None


def test_without_background_there_is_no_optical_density():
    row = measure(np.ones((30, 30), bool), brightness=np.full((30, 30), 90.0))
    assert row["mean_optical_density"] is None
    assert row["touches_edge"] == 1
    assert CellStain.of(np.zeros((30, 30)), np.zeros((30, 30), np.int32)).background is None


def test_a_black_pixel_has_a_finite_density():
    cell = disc((40, 40), 20, 20, 12)
    assert measure(cell, brightness=np.where(cell, 0, 200.0))["mean_optical_density"] == pytest.approx(3)


def test_edges_and_clumps():
    labels = np.zeros((40, 60), np.int32)
    labels[0:6, 10:20] = 1
    labels[10:20, 10:20] = 4
    labels[20:25, 20:25] = 5  # touches 4 at a corner
    labels[30:36, 50:60] = 7
    rows = {row["id"]: row for row in measure_cells(labels)}
    assert {number: row["touches_edge"] for number, row in rows.items()} == {1: 1, 4: 0, 5: 0, 7: 1}
    assert {number: row["in_clump"] for number, row in rows.items()} == {1: 0, 4: 1, 5: 1, 7: 0}
    assert len(set(in_clumps(labels).values())) == 1


def test_no_cells_no_rows():
    assert measure_cells(np.zeros((9, 9), np.int32)) == []


def test_brightness_of_every_kind_of_image():
    assert brightness(np.full((2, 3), 7, np.uint16)).tolist() == [[7.0] * 3] * 2
    assert brightness(np.full((2, 3, 3), 7, np.uint8)) == pytest.approx(7)
    assert brightness(np.stack([np.zeros((2, 3)), np.full((2, 3), 4.0)], axis=2)) == pytest.approx(2)
    green = np.zeros((1, 1, 3), np.uint8)
    green[..., 1] = 100
    assert brightness(green) == pytest.approx(58.7)
