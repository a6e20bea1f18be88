import numpy as np
import pytest
from skimage.morphology import local_maxima, reconstruction

from minunet.cells.cell_settings import CellSettings
from minunet.cells.watershed import find_cells, typical_area
from minunet.data.mask_cells import connected_cells
from tests.cells.drawn_cells import disc, random_labels

PLAIN = CellSettings(smoothing=0.0, seed_height=0.1, smallest_area=0.1)


def as_probability(cell):
    return np.where(cell, 0.9, 0.1).astype(np.float32)


def test_touching_discs_are_separated_where_they_touch():
    cells = disc((60, 96), 30, 26, 18) | disc((60, 96), 30, 58, 18) | disc((60, 96), 12, 84, 9)
    labels = find_cells(as_probability(cells), PLAIN)
    assert labels.dtype == np.int32
    assert labels.max() == 3
    assert ((labels > 0) == cells).all()
    seam = np.flatnonzero(np.diff(labels[30, 20:64]))
    assert seam.tolist() == [42 - 20 - 1] or seam.tolist() == [42 - 20]


def test_pieces_are_as_many_as_the_h_maxima_transform_leaves():
    from scipy import ndimage

    rng = np.random.default_rng(3)
    for _ in range(6):
        cell = sum(disc((70, 80), *rng.uniform(15, 60, 2), rng.uniform(7, 13)) for _ in range(7)) > 0
        cell[[0, -1]] = cell[:, [0, -1]] = False
        cell = ndimage.binary_fill_holes(cell)
        distance = ndimage.distance_transform_edt(cell)
        regions, count = ndimage.label(cell)
        radius = np.median(ndimage.maximum(distance, regions, np.arange(1, count + 1)))
        cross = ndimage.generate_binary_structure(2, 1)
        lowered = reconstruction(distance - 0.1 * radius, distance, footprint=cross)
        seeds = ndimage.label(local_maxima(lowered, connectivity=1) & cell)[1]
        found = find_cells(as_probability(cell), CellSettings(smoothing=0, seed_height=0.1, smallest_area=0))
        assert found.max() == seeds


def test_seed_height_decides_whether_a_shallow_waist_is_a_seam():
    cells = disc((50, 80), 25, 32, 18) | disc((50, 80), 25, 46, 18)
    probability = as_probability(cells)
    assert find_cells(probability, CellSettings(smoothing=0, seed_height=0.02)).max() == 2
    assert find_cells(probability, CellSettings(smoothing=0, seed_height=0.4)).max() == 1


def test_specks_are_dropped_and_the_numbers_have_no_gaps():
    cells = disc((60, 90), 20, 20, 12) | disc((60, 90), 40, 60, 12) | disc((60, 90), 50, 20, 4)
    cells[2, 2] = cells[2, 80] = True
    small = find_cells(as_probability(cells), CellSettings(smoothing=0, smallest_area=0.05))
    large = find_cells(as_probability(cells), CellSettings(smoothing=0, smallest_area=0.5))
    assert sorted(np.unique(small)) == [0, 1, 2, 3]
    assert sorted(np.unique(large)) == [0, 1, 2]


def test_small_holes_are_noise_and_large_ones_background():
    cell = disc((60, 60), 30, 30, 24)
    cell[30, 30] = False
    assert find_cells(as_probability(cell), PLAIN)[30, 30] == 1
    ring = disc((60, 60), 30, 30, 24) & ~disc((60, 60), 30, 30, 15)
    assert find_cells(as_probability(ring), PLAIN)[30, 30] == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (40, 30)])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_no_cell_and_one_cell_that_fills_the_image(shape, value):
    labels = find_cells(np.full(shape, value, np.float32))
    assert labels.shape == shape
    assert (labels == value).all()


def test_a_cell_that_is_cut_by_the_border_is_one_cell():
    labels = find_cells(as_probability(disc((40, 60), 2, 30, 18)), PLAIN)
    assert labels.max() == 1


def test_magnification_does_not_matter():
    cells = disc((60, 96), 30, 26, 18) | disc((60, 96), 30, 58, 18)
    large = np.kron(cells, np.ones((3, 3), bool))
    settings = CellSettings()
    assert find_cells(as_probability(cells), settings).max() == find_cells(as_probability(large), settings).max() == 2


def test_cells_away_from_the_border_do_not_depend_on_what_else_is_in_the_image():
    """The same cells of a part of the image, where the part has the same typical radius and area."""
    rng = np.random.default_rng(1)
    cell = np.zeros((96, 160), bool)
    for y in range(16, 96, 32):
        for x in range(16, 160, 28):
            cell |= disc(cell.shape, y, x + rng.uniform(-2, 2), 13)
    whole = find_cells(as_probability(cell), PLAIN)
    part = find_cells(as_probability(cell[:, 28:]), PLAIN)
    inside = np.unique(part[:, 30:-30][part[:, 30:-30] > 0])
    assert len(inside) > 5
    for number in inside:
        same = np.unique(whole[:, 28:][part == number])
        assert len(same) == 1
        assert ((whole[:, 28:] == same[0]) == (part == number)).all()


def test_the_threshold_is_used():
    probability = np.where(disc((40, 40), 20, 20, 10), 0.55, 0.2)
    assert find_cells(probability, CellSettings(threshold=0.5)).max() == 1
    assert find_cells(probability, CellSettings(threshold=0.6)).max() == 0


def test_typical_area_does_not_see_specks():
    assert typical_area(np.array([1] * 500 + [1000, 1100, 1200])) == 1100
    assert typical_area(np.array([])) == 0


def test_labels_cover_what_is_above_the_threshold():
    rng = np.random.default_rng(5)
    cell = random_labels(rng, (64, 64), 12) > 0
    labels = find_cells(as_probability(cell), CellSettings(smoothing=0.02, seed_height=0.05, smallest_area=0))
    assert not (labels[~cell] > 0).any()
    assert (labels[cell] > 0).mean() > 0.97


def halves(shape=(40, 40)):
    """One disc that a separation divides into a left and a right half."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    cell = (rows - 20) ** 2 + (columns - 20) ** 2 <= 15**2
    separation = np.minimum(np.abs(columns - 19.5) / 8, 1).astype(np.float32) * np.ones((shape[0], 1), np.float32)
    return cell, separation


def test_what_was_learned_separates_cells_that_look_like_one():
    cell, separation = halves()
    settings = CellSettings(seed_height=0.1, learned=0.8)
    labels = find_cells(as_probability(cell), settings, separation)
    assert labels.max() == 2
    assert np.array_equal(labels > 0, cell)
    for number, left in ((labels[20, 10], True), (labels[20, 30], False)):
        columns = np.nonzero(labels == number)[1]
        assert (columns.max() <= 20) if left else (columns.min() >= 19)


def test_without_a_separation_or_a_share_of_it_the_distance_alone_counts():
    cell, separation = halves()
    plain = find_cells(as_probability(cell), CellSettings(seed_height=0.1))
    assert plain.max() == 1
    assert np.array_equal(find_cells(as_probability(cell), CellSettings(seed_height=0.1), separation), plain)
    assert np.array_equal(find_cells(as_probability(cell), CellSettings(seed_height=0.1, learned=0.8)), plain)


@pytest.mark.parametrize("value", [0, 1])
@pytest.mark.parametrize("learned", [0.5, 1.0])
def test_a_flat_separation_loses_no_cell(value, learned):
    cells = disc((40, 90), 20, 20, 14) | disc((40, 90), 20, 65, 14)
    separation = np.full((40, 90), value, np.float32)
    labels = find_cells(as_probability(cells), CellSettings(smoothing=0, seed_height=0.2, learned=learned), separation)
    assert labels.max() == 2
    assert np.array_equal(labels > 0, cells)


def test_a_cell_beside_a_large_clump_is_no_speck():
    """Sixty cells in one clump: a single cell is less than a fiftieth of it."""
    cells = np.zeros((120, 330), bool)
    for row in range(4):
        for column in range(15):
            cells |= disc(cells.shape, 12 + 18 * row, 12 + 18 * column, 10)
    alone = disc(cells.shape, 100, 305, 10)
    assert alone.sum() < 0.02 * cells.sum()
    labels = find_cells(as_probability(cells | alone), CellSettings(smoothing=0))
    assert labels[100, 305] > 0
    assert labels.max() > 40
    assert connected_cells(cells | alone).max() == 2
