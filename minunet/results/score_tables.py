"""Score tables: the measures of an evaluation as text for the screen and as CSV, the worst images first."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from minunet.inference.metrics import SegmentationMetrics, trivial_accuracy, trivial_dice

MAX_SHOWN = 10  # images in the table on the screen
LABELS = {
    "dice": "Dice",
    "iou": "IoU",
    "precision": "precision",
    "recall": "recall",
    "accuracy": "accuracy",
    "keras_accuracy": "Keras accuracy",
    "loss": "loss (BCE, nats)",
}

# Below these, the score of the better of calling everything cell and everything background.
TRIVIAL = {"dice": trivial_dice, "accuracy": trivial_accuracy}


def worst_first(metrics: SegmentationMetrics) -> list[dict[str, Any]]:
    """A row per image, sorted by increasing Dice; for equal Dice by decreasing loss."""
    return sorted(metrics.per_image(), key=lambda image: (image["dice"], -image["loss"]))


def summary_table(metrics: SegmentationMetrics) -> list[str]:
    """Lines with every measure over all pixels, averaged over the images, and of the image that is worst in it."""
    pooled, mean, images = metrics.result(), metrics.mean(), metrics.per_image()
    lines = [f"{'':<24}{'all pixels':>12}{'mean of images':>16}{'worst image':>13}"]
    for key, label in LABELS.items():
        worst = (max if key == "loss" else min)(image[key] for image in images)
        lines.append(f"{label:<24}{pooled[key]:>12.4f}{mean[key]:>16.4f}{worst:>13.4f}")
        if key in TRIVIAL:
            shares = [1 - float(image["baseline"]) for image in images]
            average = sum(map(TRIVIAL[key], shares)) / len(shares)
            lines.append(f"{'  trivial':<24}{TRIVIAL[key](1 - pooled['baseline']):>12.4f}{average:>16.4f}")
    return lines


def worst_heading(count: int) -> str:
    """The heading of a table of the worst of so many images."""
    return f"the {MAX_SHOWN} worst of {count} images" if count > MAX_SHOWN else "the images, worst first"


def image_table(metrics: SegmentationMetrics, unlike: Mapping[str, Sequence[str]] = MappingProxyType({})) -> list[str]:
    """Lines with the worst images; those that are unlike the training images have a mark."""
    images = worst_first(metrics)
    lines = [f"{worst_heading(len(images))}, by Dice:", "    Dice     IoU  precision  recall  image"]
    for image in images[:MAX_SHOWN]:
        mark = " (unlike)" if unlike.get(image["name"]) else ""
        scores = f"{image['dice']:.4f}  {image['iou']:.4f}     {image['precision']:.4f}  {image['recall']:.4f}"
        lines.append(f"  {scores}  {image['name']}{mark}")
    return lines


def csv_text(rows: list[dict[str, Any]]) -> str:
    """Rows of the same keys as CSV with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
