"""The report of an evaluation: report.html beside its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minunet.cli.console import Say
from minunet.files.json_files import read_json
from minunet.inference.cell_evaluation import CellEvaluation
from minunet.inference.loaded_model import LoadedModel
from minunet.results.report.report_page import ReportPage, ReportSection, ReportWarning
from minunet.results.report.report_plots import ReportPlot, count_plots, size_plot
from minunet.results.report.report_tables import report_table
from minunet.runs.evaluation_run import EVALUATION_CONTENTS
from minunet.runs.report_cases import ScoredImage, cases_section
from minunet.runs.report_file import write_report
from minunet.runs.report_sections import (
    as_text,
    cell_facts,
    class_section,
    files_section,
    made_by,
    model_facts,
    named_warnings,
    pixel_sentence,
    plots_section,
    reading_section,
    score_text,
    software_section,
    table_lines,
)
from minunet.wording import count_noun

COMMAND = "minunet.evaluate"
NUMBERS = {
    "all_pixels": {"dice": "Dice", "iou": "IoU", "precision": "precision", "recall": "recall", "accuracy": "accuracy"},
    "cells": {
        "cell_f1": "F1 of cells, IoU 0.5",
        "panoptic_quality": "panoptic quality",
        "count_error": "count error",
        "count_bias": "count bias",
    },
}


def write_evaluation_report(
    out: Path,
    model: LoadedModel,
    cases: Sequence[ScoredImage],
    cells: CellEvaluation | None,
    command: Sequence[str],
    warnings: Sequence[str],
    say: Say,
) -> None:
    """Write the report of an evaluation whose files are there, and print its name.

    Parameters
    ----------
    out : Path
    model : LoadedModel
    cases : sequence of ScoredImage
        The worst and the best images.
    cells : CellEvaluation or None
        The scores of cells; None where there are none.
    command : sequence of str
        What gives the same files, a line each.
    warnings : sequence of str
    say : callable
        Takes each line of text.
    """
    write_report(out, COMMAND, lambda: evaluation_page(out, model, cases, cells, command, warnings), say)


def evaluation_page(
    out: Path,
    model: LoadedModel,
    cases: Sequence[ScoredImage],
    cells: CellEvaluation | None,
    command: Sequence[str],
    warnings: Sequence[str],
) -> ReportPage:
    """The page; the parameters are those of `write_evaluation_report`."""
    metrics = read_json(out / "metrics.json")
    true: list[float] = []
    predicted: list[float] = []
    unlike: list[tuple[str, str]] = []

    def observe(row: dict[str, str]) -> None:
        if row.get("true_cells") and row.get("predicted_cells"):
            true.append(float(row["true_cells"]))
            predicted.append(float(row["predicted_cells"]))
        if row.get("unlike"):
            unlike.append((row["name"], row["unlike"]))

    table = report_table(table_lines(out / "per_image.csv"), "images", "per_image.csv", observe=observe)
    count, pixels = metrics["count"], metrics["all_pixels"]
    scale = metrics["scale"]
    size = "their own size" if scale == "native" else f"{scale[0]}x{scale[1]} pixels, the size of the model's input"
    return ReportPage(
        title=f"Evaluation: {out.resolve().name}",
        summary=[
            pixel_sentence(f"{count_noun(count, 'image')}, scored at {size}", pixels),
            *_cell_summary(metrics["cells"]),
        ],
        made=made_by(),
        warnings=[*map(ReportWarning, warnings), *named_warnings(unlike, "per_image.csv")],
        numbers=[
            (name, score_text(metrics[group], key))
            for group, names in NUMBERS.items()
            if metrics[group] is not None
            for key, name in names.items()
        ]
        + (
            [] if not metrics.get("classes") else [("mean Dice of the classes", score_text(metrics, "mean_class_dice"))]
        ),
        sections=[
            ReportSection(
                "command",
                "What was done",
                paragraphs=["This scores the same images again:"],
                commands=command,
                facts=[
                    *model_facts(model),
                    ("data", metrics["data"]),
                    *_sides(metrics),
                ],
            ),
            cases_section(cases, f"of {count_noun(count, 'image')}", model.legend),
            class_section(metrics.get("classes"), model.legend),
            plots_section("counts", "Numbers and sizes of cells", lambda: _plots(true, predicted, cells)),
            ReportSection("images", "Images", table=table),
            ReportSection(
                "scores",
                "All scores",
                facts=_all_scores(metrics),
                folded=True,
            ),
            reading_section(
                model.preprocessing, cells=cell_facts(model.cell_settings, chosen=model.cell_choice is not None)
            ),
            files_section(out, EVALUATION_CONTENTS),
            software_section(out, [path for path in (model.path, out / "metrics.json", out / "per_image.csv") if path]),
        ],
    )


def _plots(true: Sequence[float], predicted: Sequence[float], cells: CellEvaluation | None) -> list[ReportPlot]:
    if cells is None or not true:
        return []
    diameters = {"mask": cells.diameters.true, "prediction": cells.diameters.predicted}
    known = {name: np.array(values) for name, values in diameters.items() if values}
    return [*count_plots(true, predicted), *([size_plot(known, "px")] if known else [])]


def _sides(metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How many images are on each side of the split; nothing where no split is known."""
    if not metrics["split"]:
        return []
    return [("images by side", as_text(metrics["sides"])), ("sides known from", metrics["split"])]


def _cell_summary(scores: dict[str, Any] | None) -> list[str]:
    if scores is None:
        return []
    return [
        f"{count_noun(scores['predicted_cells'], 'cell')} predicted and {scores['true_cells']:,} in the masks; single cells are "
        f"found with F1 {score_text(scores, 'cell_f1')}; the number of cells of an image is off by "
        f"{score_text(scores, 'count_error')} on average."
    ]


def _all_scores(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    groups = {
        "all_pixels": "all pixels",
        "mean_over_images": "mean of images",
        "native_pixels": "own size",
        "cells": "cells",
    }
    return [
        (f"{title}: {name.replace('_', ' ')}", as_text(value))
        for group, title in groups.items()
        for name, value in (metrics.get(group) or {}).items()
    ]
