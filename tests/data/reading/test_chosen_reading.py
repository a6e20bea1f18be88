"""Every form in which masks are stored is read right: the targets equal what the masks were drawn from, pixel by pixel."""

import numpy as np
import pytest

from tests.data.reading.mask_sets import (
    BLACK,
    GREY,
    SIZE,
    WHITE,
    WHITE_FIRST,
    chosen,
    coloured,
    drawn_labels,
    of_class,
    overlap,
    own,
    painted,
    save_array,
    soft,
    stored,
    two,
    write_set,
)


def confluent(labels):
    """Cells that fill the mask but for thin lines between them."""
    rows, columns = np.mgrid[: SIZE[1], : SIZE[0]]
    points = np.random.default_rng(int(labels.sum())).uniform(0, 1, (25, 2)) * (SIZE[1], SIZE[0])
    distances = np.sort(np.hypot(rows[..., None] - points[:, 0], columns[..., None] - points[:, 1]), axis=-1)
    return distances[..., 1] - distances[..., 0] > 2


KINDS = {
    "0 and 255": (stored(two(0, 255)), "two values, 8 bit; cell is 255; "),
    "0 and 1": (stored(two(0, 1)), "two values, 8 bit; cell is 1; "),
    "black on white": (stored(two(255, 0)), "two values, 8 bit; cell is 0; "),
    "12 on 37": (stored(two(37, 12)), "two values, 8 bit; cell is 12; "),
    "16-bit white": (stored(two(0, 65535, np.uint16)), "two values, 16 bit; cell is 65535; "),
    "confluent cells": (
        stored(lambda labels: confluent(labels).astype(np.uint8) * 255, truth=confluent),
        "two values, 8 bit; cell is 255; ",
    ),
    "1-bit PNG": (stored(lambda labels: labels > 0), "two values, 1 bit; cell is 1; "),
    "boolean TIFF": (stored(lambda labels: labels > 0, tiff=True), "two values, 1 bit; cell is 1; "),
    "8-bit TIFF of white is zero": (
        stored(two(0, 255), tiff=True, photometric="miniswhite"),
        "two values, 8 bit; cell is 255; ",
    ),
    "floats of 0 and 1": (
        stored(two(0, 1, np.float32), tiff=True),
        "two values, 32 bit; cell is 1; ",
    ),
    "resized": (soft(lambda labels: 255.0 * (labels > 0)), "greys, 8 bit; cell is above 127.5; "),
    "resized, black on white": (soft(lambda labels: 255.0 * (labels == 0)), "greys, 8 bit; cell is at most 127.5; "),
    "JPEG": (stored(two(0, 255), ending=".jpg"), "greys, 8 bit; cell is above 127.5; "),
    "JPEG, black on white": (stored(two(255, 0), ending=".jpg"), "greys, 8 bit; cell is at most 127.5; "),
    "numbered": (stored(lambda labels: labels.astype(np.uint8)), "numbered cells, 8 bit; cell is above 0; 48 cells"),
    "multiples of 20": (
        stored(lambda labels: (labels * 20).astype(np.uint8)),
        "numbered cells, 8 bit; cell is above 0; 48 cells",
    ),
    "above 127": (
        stored(lambda labels: np.where(labels, labels + 130, 0).astype(np.uint8)),
        "numbered cells, 8 bit; cell is above 0; 48 cells",
    ),
    "gaps, above 4,095": (
        stored(lambda labels: np.where(labels, labels * 337 + 3900, 0).astype(np.uint16)),
        "numbered cells, 16 bit; cell is above 0; 48 cells",
    ),
    "32 bit": (
        stored(lambda labels: (labels * 100000).astype(np.int32), tiff=True),
        "numbered cells, 32 bit; cell is above 0; 48 cells",
    ),
    "above 2 to the 31": (
        stored(lambda labels: np.where(labels, labels + 2**31, 0).astype(np.uint32), tiff=True),
        "numbered cells, 32 bit; cell is above 0; 48 cells",
    ),
    "64 bit": (
        stored(lambda labels: labels * 100000, tiff=True),
        "numbered cells, 64 bit; cell is above 0; 48 cells",
    ),
    "numbers in half floats": (
        stored(lambda labels: labels.astype(np.float16), tiff=True),
        "numbered cells, 16 bit; cell is above 0; 48 cells",
    ),
    "numbers in floats": (
        stored(lambda labels: labels.astype(np.float32), tiff=True),
        "numbered cells, 32 bit; cell is above 0; 48 cells",
    ),
    "palette of cells": (
        stored(lambda labels: labels, palette=WHITE_FIRST),
        "numbered cells, a palette, of which the indices count; cell is above 0; 48 cells",
    ),
    "palette of classes": (
        stored(lambda labels: (labels > 0) * (1 + labels % 2), palette=WHITE_FIRST, ending=".bmp"),
        "a palette, of which the indices count; cell is above 0; ",
    ),
    "numbers of classes": (
        stored(lambda labels: ((labels > 0) * (1 + labels % 2)).astype(np.uint8)),
        "levels, 8 bit; cell is above 0; ",
    ),
    "red": (stored(coloured(BLACK, lambda _: (255, 0, 0))), "numbers in the red channel, 8 bit; cell is 255; "),
    "numbers in red": (
        stored(coloured(BLACK, lambda number: (number, 0, 0))),
        "numbered cells, numbers in the red channel, 8 bit; cell is above 0; 48 cells",
    ),
    "grey in three channels": (stored(coloured(WHITE, lambda _: BLACK)), "two values, 8 bit; cell is 0; "),
    "a colour a cell on white": (
        stored(coloured(WHITE, own)),
        "one colour a cell; cell is everything but #ffffff; 48 cells",
    ),
    "a colour a class on grey": (stored(coloured(GREY, of_class)), "colours; cell is everything but #808080; "),
    "a colour a cell on black, resized": (
        soft(painted(BLACK, own)),
        "one colour a cell; cell is everything but #000000; ",
    ),
    "a colour a class on white, resized": (
        soft(painted(WHITE, of_class)),
        "colours; cell is everything but #ffffff; ",
    ),
    "paint on nothing": (
        stored(lambda labels: np.dstack([labels * 0] * 3 + [(labels > 0) * 255]).astype(np.uint8)),
        "two values, 8 bit; cell is 255; ",
    ),
    "colours on nothing": (
        stored(lambda labels: np.dstack([(labels > 0) * n for n in (200, 30, 40, 255)]).astype(np.uint8)),
        "colours; cell is everything but #000000; ",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_targets_are_what_was_drawn(kind, tmp_path):
    write, described = KINDS[kind]
    pairs, truths = write_set(tmp_path, write)
    choice = chosen(pairs)
    assert choice.problems == ()
    assert choice.reading.describe().startswith(described)
    assert overlap(pairs, truths, choice.reading) == 1.0


def test_masks_of_outlines_are_noticed(tmp_path):
    def write(path, seed):
        labels = drawn_labels(seed)
        line = labels != np.roll(labels, 1, 0)
        save_array(path, line.astype(np.uint8) * 255)
        return line

    pairs, _ = write_set(tmp_path, write)
    assert any("thin lines" in note for note in chosen(pairs).notes)


def test_masks_of_one_value(tmp_path):
    pairs, _ = write_set(tmp_path, stored(lambda labels: (labels * 0).astype(np.uint8)))
    (problem,) = chosen(pairs).problems
    assert problem.startswith("the 4 masks hold one value only, 0, so that no pixel is cell: ")


def test_dark_cells_are_mentioned(tmp_path):
    pairs, _ = write_set(tmp_path, stored(two(255, 0)))
    (note,) = chosen(pairs).notes
    assert note.endswith("They are read so; if the light part is cell, add --cell 255.")


def test_a_dark_band_is_mentioned_as_unsure(tmp_path):
    write = stored(lambda labels: np.pad(np.zeros((20, 96), np.uint8), ((20, 32), (0, 0)), constant_values=255))
    pairs, _ = write_set(tmp_path, write)
    choice = chosen(pairs)
    assert choice.reading.cells == "255"
    assert choice.notes[0].endswith(
        "if the masks are dark cells on a light background, add --invert-masks (or --cell 0)."
    )


def test_masks_the_other_way_round_are_named(tmp_path):
    def write(path, seed):
        labels = drawn_labels(seed)
        save_array(path, (two(255, 0) if seed == 2 else two(0, 255))(labels))
        return labels > 0

    choice = chosen(write_set(tmp_path, write)[0])
    assert choice.reading.cells == "255"
    assert choice.notes[-1].startswith("1 mask of 4 look as if cell and background were the other way round (m2)")
