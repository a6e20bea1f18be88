"""Single cells put together to one mask: numbers, overlaps, cells that vanish."""

import numpy as np
import pytest

from minunet.data.pairs import find_pairs, survey
from minunet.data.reading.cell_files import read_cell_files
from minunet.data.reading.numbered_cells import CellPart, CellRemarks, number_cells
from minunet.data.reading.pair_files import mask_files, read_mask
from minunet.errors import UserError
from tests.data.outlines.drawn_outlines import SHAPE, numbered_mask
from tests.data.small_pictures import photo, save


def square(top, left, side):
    return CellPart(top, left, np.ones((side, side), bool))


def test_a_pixel_in_two_cells_belongs_to_the_smaller():
    labels, remarks = number_cells([square(0, 0, 3), square(2, 2, 2), square(6, 6, 1)], (8, 8))
    expected = np.zeros((8, 8), int)
    expected[:3, :3], expected[2:4, 2:4], expected[6, 6] = 1, 2, 3
    assert np.array_equal(labels, expected)
    assert remarks == CellRemarks(cells=3, overlap=1)


def test_cells_without_a_pixel_and_cells_that_are_there_twice():
    empty = CellPart(0, 0, np.zeros((0, 0), bool))
    labels, remarks = number_cells([square(1, 1, 2), empty, square(1, 1, 2)], (5, 5))
    assert remarks == CellRemarks(cells=2, overlap=4, hidden=1, empty=1)
    assert set(np.unique(labels)) == {0, 2}


def cell_set(root, count=3):
    """A folder for each image, with the cells of a numbered mask as single files."""
    for seed in range(count):
        save(root / f"c{seed}" / "images" / f"c{seed}.png", photo(seed, SHAPE[::-1]))
        labels = numbered_mask(seed)
        for number in range(1, labels.max() + 1):
            save(root / f"c{seed}" / "masks" / f"{number:03d}.png", np.uint8(labels == number) * 255)


def test_the_masks_of_a_set_are_the_truth(tmp_path):
    cell_set(tmp_path)
    pairs = find_pairs(tmp_path)
    for seed, pair in enumerate(pairs):
        stored = read_mask(pair)
        assert stored.is_numbered
        assert np.array_equal(stored.values, numbered_mask(seed))
        assert [file.name for file in mask_files(pair)] == [f"{number:03d}.png" for number in range(1, 7)]
    found = survey(tmp_path)
    assert (found.problems, found.warnings) == ((), ())


def test_overlaps_are_counted_and_said(tmp_path):
    cell_set(tmp_path)
    extra = np.zeros(SHAPE, np.uint8)
    extra[30:36, 44:56] = 255
    save(tmp_path / "c1" / "masks" / "extra.png", extra)
    save(tmp_path / "c2" / "masks" / "none.png", np.zeros(SHAPE, np.uint8))
    warnings = survey(tmp_path).warnings
    assert warnings == (
        "cells overlap in 1 mask (c1): 16 pixels in more than one of 19 cells count for the smallest.",
        "1 cell of the masks of c2 have no pixel in the image.",
    )


def test_black_cells_on_white_and_grey_edges(tmp_path):
    cell = np.full((20, 20), 255, np.uint8)
    cell[5:9, 5:9] = 0
    soft = np.zeros((20, 20), np.uint8)
    soft[12:16, 12:16], soft[11, 12:16] = 250, 90
    labels, _ = read_cell_files([save(tmp_path / "1.png", cell), save(tmp_path / "2.png", soft)])
    expected = np.zeros((20, 20), int)
    expected[5:9, 5:9], expected[12:16, 12:16] = 1, 2
    assert np.array_equal(labels, expected)


def test_every_file_that_cannot_be_used_is_named(tmp_path):
    cell_set(tmp_path)
    save(tmp_path / "c0" / "masks" / "002.png", np.zeros((3, 4), np.uint8))
    (tmp_path / "c0" / "masks" / "003.png").write_bytes(b"")
    problems = survey(tmp_path).problems
    assert any("002.png has 4x3 pixels, and other cells" in problem for problem in problems)
    assert any("003.png is empty" in problem for problem in problems)


def test_a_cell_folder_that_is_emptied(tmp_path):
    cell_set(tmp_path)
    pair = find_pairs(tmp_path)[0]
    for file in mask_files(pair):
        file.unlink()
    with pytest.raises(UserError, match="holds no mask files"):
        read_mask(pair)
