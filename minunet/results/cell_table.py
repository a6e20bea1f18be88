"""The cell table: the scores of cells as text for the screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minunet.cells.cell_matching import IOU_THRESHOLDS
from minunet.cells.cell_scores import AP_NAMES, CellScores
from minunet.inference.cell_evaluation import CellEvaluation
from minunet.results.score_tables import MAX_SHOWN, worst_heading
from minunet.wording import count_noun

SHOWN_THRESHOLDS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.9)


def cell_score_table(cells: CellEvaluation) -> list[str]:
    """Lines with every score over all cells, then the images whose cells are found worst."""
    pixels = cells.pixels.result()
    count = len(cells.scores)
    regions = count - cells.numbered
    source = "numbered by the masks" if not regions else "the connected regions of the masks"
    if regions and cells.numbered:
        source = f"numbered by {cells.numbered} of the masks, and the connected regions of the others"
    lines = [
        f"cells of {count_noun(count, 'image')} at their own size; the true cells are",
        f"{source}:",
        *score_lines(cells.scores),
        f"  pixels                Dice {pixels['dice']:.4f}, accuracy {pixels['accuracy']:.4f}",
    ]
    if cells.covered is not None:
        lines.append(f"  90 % interval         holds the true count of {cells.covered} of {count_noun(count, 'image')}")
    return [*lines, "", *worst_lines(cells.scores)]


def score_lines(cells: CellScores) -> list[str]:
    """A line for each score."""
    scores = cells.result()
    distance = scores["border_distance_px"]
    return [
        f"  cells                 {scores['predicted_cells']:,} predicted, {scores['true_cells']:,} true",
        f"  count error           {100 * _number(scores['count_error']):.1f} %, "
        f"or {_number(scores['count_error_cells']):.1f} cells an image (mean absolute)",
        f"  count bias            {100 * _number(scores['count_bias']):+.1f} %, "
        f"or {_number(scores['count_bias_cells']):+.1f} cells an image",
        f"  F1 at IoU 0.5         {scores['cell_f1']:.4f}  (precision {scores['cell_precision']:.4f}, "
        f"recall {scores['cell_recall']:.4f})",
        "  AP at IoU             " + "".join(f"{threshold:>8g}" for threshold in SHOWN_THRESHOLDS),
        "                        " + "".join(f"{scores[AP_NAMES[t]]:>8.4f}" for t in SHOWN_THRESHOLDS),
        f"  panoptic quality      {scores['panoptic_quality']:.4f}",
        f"  AJI                   {scores['aji']:.4f}",
        f"  splits, merges        {scores['splits']}, {scores['merges']}",
        "  border distance       " + ("none" if distance is None else f"{distance:.2f} pixels"),
    ]


def class_lines(classes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A line for each class of cells, by its name, with a heading; none without classes. See `CellScores.class_row`."""
    if not classes:
        return []
    width = max(16, *map(len, classes))
    lines = [f"  {'class':<{width}}  {'true':>8}  predicted  count error  F1 at IoU 0.5"]
    for name, row in classes.items():
        error = "-" if row["count_error"] is None else f"{100 * row['count_error']:.1f} %"
        f1 = "-" if row["cell_f1"] is None else f"{row['cell_f1']:.4f}"
        lines.append(f"  {name:<{width}}  {row['true_cells']:>8,}  {row['predicted_cells']:>9,}  {error:>11}  {f1:>13}")
    return lines


def worst_lines(cells: CellScores) -> list[str]:
    """A line for each of the images with the lowest F1."""
    rows = sorted(cells.per_image().items(), key=lambda item: _number(item[1]["cell_f1"]))
    lines = [
        f"{worst_heading(len(rows))}, by the F1 of cells:",
        "      F1   AP 0.5  predicted   true  splits  merges  image",
    ]
    return lines + [
        f"  {row['cell_f1']:.4f}   {row[AP_NAMES[IOU_THRESHOLDS[0]]]:.4f}  {row['predicted_cells']:>9}  {row['true_cells']:>5}  "
        f"{row['splits']:>6}  {row['merges']:>6}  {name}"
        for name, row in rows[:MAX_SHOWN]
    ]


def _number(value: float | None) -> float:
    return 0.0 if value is None else float(value)
