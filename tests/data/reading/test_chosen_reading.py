"""Every form in which masks are stored is read right: the targets equal what the masks were drawn from, pixel by pixel."""

import numpy as np
import pytest
from PIL import Image

from minunet.data.reading.mask_counts import MaskCounts
from minunet.data.reading.mask_misfits import misfits
from minunet.data.reading.pair_files import read_mask
from minunet.data.reading.preprocessing import Preprocessing
from tests.data.reading.mask_sets import (
    SIZE,
    blurred,
    chosen,
    drawn_labels,
    large,
    overlap,
    save_array,
    save_tiff,
    write_set,
)

VOC = np.random.default_rng(1).integers(1, 255, (256, 3)).astype(np.uint8)
WHITE_FIRST = np.concatenate([[[255, 255, 255]], VOC[1:]]).astype(np.uint8)


def stored(function, *, tiff=False, ending=".png", truth=lambda labels: labels > 0, palette=None, **options):
    """A writer of masks that stores `function(labels)`."""

    def write(path, seed):
        labels = drawn_labels(seed)
        values = np.asarray(function(labels))
        if tiff:
            save_tiff(path, values, **options)
        elif palette is not None:
            image = Image.fromarray(values.astype(np.uint8))
            image.putpalette(palette.ravel().tolist())
            image.save(path.with_name(path.name + ending))
        else:
            save_array(path, values, ending, **options)
        return truth(labels)

    return write


def soft(function, *, ending=".png"):
    """A writer of masks that were drawn larger and averaged; `function(labels)` gives floats, in one or three channels."""

    def write(path, seed):
        labels = large(seed)
        values = function(labels)
        channels = values if values.ndim == 3 else values[..., None]
        averaged = np.stack([blurred(channels[..., channel]) for channel in range(channels.shape[2])], axis=-1)
        save_array(path, np.rint(averaged if values.ndim == 3 else averaged[..., 0]).astype(np.uint8), ending)
        return blurred(labels > 0) > 0.5

    return write


def painted(background, colour):
    """Colours, (H, W, 3) floats: `colour(number)` gives that of a cell."""

    def paint(labels):
        values = np.empty((*labels.shape, 3))
        values[:] = background
        for number in range(1, labels.max() + 1):
            values[labels == number] = colour(number)
        return values

    return paint


def own(number):
    return np.random.default_rng(number).integers(30, 220, 3)


def of_class(number):
    return [(255, 0, 0), (0, 0, 255)][number % 2]


def coloured(background, colour):
    return lambda labels: painted(background, colour)(labels).astype(np.uint8)


def two(low, high, dtype=np.uint8):
    return lambda labels: np.where(labels > 0, high, low).astype(dtype)


def confluent(labels):
    """Cells that fill the mask but for thin lines between them."""
    rows, columns = np.mgrid[: SIZE[1], : SIZE[0]]
    points = np.random.default_rng(int(labels.sum())).uniform(0, 1, (25, 2)) * (SIZE[1], SIZE[0])
    distances = np.sort(np.hypot(rows[..., None] - points[:, 0], columns[..., None] - points[:, 1]), axis=-1)
    return distances[..., 1] - distances[..., 0] > 2


WHITE, BLACK, GREY = (255, 255, 255), (0, 0, 0), (128, 128, 128)
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


def test_masks_of_outlines_are_noticed(tmp_path):
    def write(path, seed):
        labels = drawn_labels(seed)
        line = labels != np.roll(labels, 1, 0)
        save_array(path, line.astype(np.uint8) * 255)
        return line

    pairs, _ = write_set(tmp_path, write)
    assert any("thin lines" in note for note in chosen(pairs).notes)


@pytest.mark.parametrize(
    ("levels", "commands"),
    [
        ((0, 128, 255), ["--cell '>0';", "--cell 255;", "--cell 255 --ignore 128."]),
        ((0, 100, 200), ["--cell '>0';", "--cell 200;", "--cell 200 --ignore 100."]),
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


def test_what_is_said_of_the_values(tmp_path):
    pairs, truths = write_set(tmp_path, stored(two(0, 255)))
    inverted = [~truth for truth in truths]
    for said in ({"cell": "0"}, {"cell": "not:255"}, {"invert": True}, {"cell": "<10"}, {"cell": "#000000"}):
        assert overlap(pairs, inverted, chosen(pairs, **said).reading) == 1.0
    (problem,) = chosen(pairs, cell="7").problems
    assert problem.startswith("--cell 7: no pixel of the 4 masks would be cell (7); they hold 0 (75.")
    (problem,) = chosen(pairs, cell=">=0").problems
    assert problem.startswith("--cell >=0: every pixel of the 4 masks would be cell (at least 0)")


def test_colours_of_a_palette_can_be_named(tmp_path):
    pairs, truths = write_set(tmp_path, stored(lambda labels: labels > 0, palette=WHITE_FIRST))
    for cell in ("#{:02x}{:02x}{:02x}".format(*VOC[1]), "not:#ffffff"):
        assert overlap(pairs, truths, chosen(pairs, cell=cell).reading) == 1.0


def test_values_of_blurred_masks_mean_the_nearer_peak(tmp_path):
    pairs, truths = write_set(tmp_path, soft(lambda labels: 255.0 * (labels > 0)))
    assert overlap(pairs, truths, chosen(pairs, cell="255").reading) == 1.0
    assert chosen(pairs, cell="0").reading.cells == "<=127.5" == chosen(pairs, invert=True).reading.cells
    assert chosen(pairs, threshold=0.25).reading.cells == ">63.75"


def test_a_threshold_that_drops_labelled_pixels_is_refused(tmp_path):
    pairs, _ = write_set(tmp_path, stored(lambda labels: labels.astype(np.uint8)))
    (problem,) = chosen(pairs, threshold=0.02).problems
    assert problem.startswith(
        "--threshold 0.02 would make 43.0 % of the labelled pixels background, the values up to 5: "
    )
    assert chosen(pairs, threshold=0.0).reading.cells == ">0"


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


def test_masks_that_do_not_fit_the_reading_of_a_model(tmp_path):
    light, _ = write_set(tmp_path / "light", stored(two(0, 255)))
    dark, _ = write_set(tmp_path / "dark", stored(two(255, 0)))
    colour, _ = write_set(tmp_path / "colour", stored(coloured(WHITE, own)))
    reading = chosen(light).reading

    def problems(pairs):
        return misfits([MaskCounts.of(read_mask(pair)) for pair in pairs], reading)

    assert problems(light) == []
    assert "Their own shapes and values tell that cell is 0." in problems(dark)[0]
    assert "these hold colours" in problems(colour)[0]


def test_the_numbers_are_kept(tmp_path):
    pairs, _ = write_set(tmp_path, KINDS["gaps, above 4,095"][0])
    mask = read_mask(pairs[1])
    labels = chosen(pairs).reading.labels(mask)
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels, mask.values)
    pairs, _ = write_set(tmp_path / "b", KINDS["above 2 to the 31"][0])
    np.testing.assert_array_equal(chosen(pairs).reading.labels(read_mask(pairs[1])), drawn_labels(1))
    pairs, _ = write_set(tmp_path / "c", KINDS["0 and 255"][0])
    assert chosen(pairs).reading.labels(read_mask(pairs[1])) is None


def test_greys_are_kept_where_they_are_asked_for(tmp_path):
    pairs, _ = write_set(tmp_path, soft(lambda labels: 255.0 * (labels > 0)))
    reading, mask = chosen(pairs).reading, read_mask(pairs[0])
    target = Preprocessing(mask="grayscale", reading=reading).target(mask)
    np.testing.assert_array_equal(target, Preprocessing(mask="grayscale").target(mask))
    levels, _ = write_set(tmp_path / "levels", stored(lambda labels: ((labels % 3) * 100).astype(np.uint8)))
    reading = chosen(levels, grayscale=True).reading
    mask_of_levels = read_mask(levels[0])
    np.testing.assert_allclose(reading.shares(mask_of_levels), mask_of_levels.values / 255, rtol=1e-6)
    dark = chosen(pairs, invert=True).reading
    np.testing.assert_allclose(Preprocessing(mask="grayscale", reading=dark).target(mask), 1 - target, atol=1e-6)
