"""Score tables: the worst images first, on the screen and as CSV."""

import numpy as np
import pytest

from minunet.inference.metrics import SegmentationMetrics
from minunet.results.score_tables import csv_text, image_table, summary_table, worst_first


@pytest.fixture
def metrics():
    """Twelve images of 10 pixels, all cell; in image i only i of them are predicted, with increasing confidence."""
    metrics = SegmentationMetrics()
    for number in range(12):
        predicted = np.where(np.arange(10) < number, 0.9, 0.1)[None]
        metrics.update(predicted[..., None, None], np.ones((1, 10, 1, 1)), [f"image{number}"])
    return metrics


def test_rows_are_sorted_by_dice_then_by_loss(metrics):
    metrics.update(np.full((1, 10, 1, 1), 0.01), np.ones((1, 10, 1, 1)), ["surely wrong"])
    rows = worst_first(metrics)
    assert [row["name"] for row in rows][:3] == ["surely wrong", "image0", "image1"]
    assert [row["dice"] for row in rows] == sorted(row["dice"] for row in rows)


def test_the_summary_has_a_line_for_each_measure(metrics):
    lines = summary_table(metrics)
    assert lines[0].split() == ["all", "pixels", "mean", "of", "images", "worst", "image"]
    accuracy = next(line for line in lines if line.startswith("accuracy"))
    assert accuracy.split() == ["accuracy", "0.5417", "0.5417", "0.0000"]
    trivial = lines[lines.index(accuracy) + 1]
    assert trivial.split() == ["trivial", "1.0000", "1.0000"]  # the masks are all cell
    assert len({len(line) for line in lines if "trivial" not in line}) == 1


def test_only_the_worst_images_are_listed(metrics):
    lines = image_table(metrics)
    assert lines[0] == "the 10 worst of 12 images, by Dice:" and len(lines) == 12
    assert lines[2] == "  0.0000  0.0000     0.0000  0.0000  image0"
    few = SegmentationMetrics()
    few.update(np.ones((1, 2, 2, 1)), np.ones((1, 2, 2, 1)), ["a"])
    assert image_table(few)[0] == "the images, worst first, by Dice:"


def test_csv_keeps_the_order_of_the_keys():
    assert csv_text([{"name": "a, b", "dice": 0.5}, {"name": "c", "dice": 1.0}]) == 'name,dice\n"a, b",0.5\nc,1.0\n'
