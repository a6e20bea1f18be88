"""What is said of the masks, by their values or by a threshold, is what counts."""

import numpy as np

from tests.data.reading.mask_sets import VOC, WHITE_FIRST, chosen, overlap, soft, stored, two, write_set


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
