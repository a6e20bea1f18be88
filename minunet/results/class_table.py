"""The class table: the scores of every class as text for the screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minunet.data.class_legend import ClassLegend


def class_table(classes: Mapping[str, Mapping[str, Any]], legend: ClassLegend, mean: float | None) -> list[str]:
    """Lines with the scores of each class.

    Parameters
    ----------
    classes : mapping
        As `minunet.inference.class_evaluation.ClassEvaluation.result` returns them.
    legend : ClassLegend
    mean : float or None
        The mean Dice of all classes but the background.
    """
    labels = dict(zip(legend.names, legend.described, strict=True))
    width = max(16, *map(len, labels.values()))
    lines = [
        "classes, at the images' own size:",
        f"  {'':<{width}}    Dice     IoU  true cells   found  count error      F1",
    ]
    for name, row in classes.items():
        scores = f"{_score(row['dice'])}  {_score(row['iou'])}"
        cells = ""
        if row["true_cells"] is not None:
            error = "-" if row["count_error"] is None else f"{100 * row['count_error']:.1f} %"
            cells = f"  {row['true_cells']:>10,}  {row['predicted_cells']:>6,}  {error:>11}  {_score(row['cell_f1'])}"
        lines.append(f"  {labels[name]:<{width}}  {scores}{cells}")
    if mean is not None:
        lines.append(f"  {'mean':<{width}}  {mean:.4f}  (of the classes without the background)")
    return lines


def _score(value: float | None) -> str:
    return f"{'-':>6}" if value is None else f"{value:.4f}"
