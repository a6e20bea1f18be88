"""Masks of numbers: borders that are ignored, and the question what three levels mean."""

import numpy as np
import pytest
from PIL import Image

from minunet.data.reading.pair_files import read_mask
from minunet.data.reading.preprocessing import Preprocessing
from tests.data.reading.mask_sets import VOC, chosen, drawn_labels, overlap, save_array, stored, write_set


def edged(background, cell, edge, palette=None):
    """Cells with an edge of three pixels of another value."""

    def write(path, seed):
        inner, outer = drawn_labels(seed, radius=6, gap=9) > 0, drawn_labels(seed, radius=6, gap=9) > 0
        for _ in range(3):
            outer[1:-1, 1:-1] |= outer[:-2, 1:-1] | outer[2:, 1:-1] | outer[1:-1, :-2] | outer[1:-1, 2:]
        values = np.where(inner, cell, np.where(outer, edge, background)).astype(np.uint8)
        image = Image.fromarray(values)
        if palette is not None:
            image.putpalette(palette.ravel().tolist())
        image.save(path.with_name(path.name + ".png"))
        return inner

    return write


@pytest.mark.parametrize(
    ("write", "rule"),
    [
        (edged(0, 15, 255, VOC), ">0"),
        (edged(0, 1, 255), ">0"),
        (edged(2, 1, 3), "1"),
    ],
    ids=["VOC palette", "0, 1, 255", "trimap"],
)
def test_borders_that_are_ignored(write, rule, tmp_path):
    pairs, truths = write_set(tmp_path, write)
    reading = chosen(pairs).reading
    assert reading.cells == rule
    assert overlap(pairs, truths, reading) == 1.0
    mask = read_mask(pairs[0])
    target = Preprocessing(reading=reading).target(mask)[..., 0]
    np.testing.assert_array_equal(target == -1, mask.values == int(reading.ignore))


def outlined(dtype, edge):
    """Numbered cells, and a line of another value around each."""

    def write(path, seed):
        labels = drawn_labels(seed)
        values = labels.astype(dtype)
        for axis in (0, 1):
            values[labels != np.roll(labels, 1, axis)] = edge
        save_array(path, values)
        return (labels > 0) & (values != edge)

    return write


@pytest.mark.parametrize(("dtype", "edge"), [(np.uint16, 65535), (np.uint8, 255)])
def test_lines_of_the_largest_number_around_numbered_cells_are_ignored(dtype, edge, tmp_path):
    pairs, truths = write_set(tmp_path, outlined(dtype, edge))
    reading = chosen(pairs).reading
    assert reading.ignore == str(edge)
    assert overlap(pairs, truths, reading) == 1.0
    assert all(reading.labels(read_mask(pair)).max() == drawn_labels(seed).max() for seed, pair in enumerate(pairs))


@pytest.mark.parametrize(
    ("levels", "commands"),
    [
        (
            (0, 128, 255),
            ["--cell '>0';", "--cell 255;", "--cell 255 --ignore 128;", "--classes background,class_1,class_2."],
        ),
        (
            (0, 100, 200),
            ["--cell '>0';", "--cell 200;", "--cell 200 --ignore 100;", "--classes background,class_1,class_2."],
        ),
    ],
)
def test_two_plausible_readings_are_asked_about(levels, commands, tmp_path):
    write = stored(lambda labels: np.where(labels > 0, np.where(labels % 2, *levels[1:]), levels[0]).astype(np.uint8))
    pairs, _ = write_set(tmp_path, write)
    (problem,) = chosen(pairs, command="python -m minunet.train smears").problems
    assert all(f"python -m minunet.train smears {command}" in problem for command in commands)
    assert f"{levels[1]} (12." in problem
    reading = chosen(pairs, cell=str(levels[2]), ignore=str(levels[1])).reading
    target = Preprocessing(reading=reading).target(read_mask(pairs[0]))
    assert sorted(np.unique(target)) == [-1, 0, 1]
