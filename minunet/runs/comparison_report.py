"""The report of a comparison: report.html beside its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minunet.cli.console import Say
from minunet.data.reading.image_files import decode
from minunet.errors import UserError
from minunet.results.report.label_pictures import DIFFERENCE_LEGEND, ShownLabels
from minunet.results.report.report_page import ReportPage, ReportSection, ReportWarning
from minunet.results.report.report_pictures import ReportCase
from minunet.results.report.report_plots import count_plots
from minunet.results.report.report_tables import report_table
from minunet.runs.comparison_run import COMPARISON_FILES, ComparedFolders
from minunet.runs.report_file import write_report
from minunet.runs.report_sections import (
    as_text,
    class_section,
    files_section,
    made_by,
    named_warnings,
    plots_section,
    score_text,
    software_section,
    table_lines,
)
from minunet.wording import count_noun

COMMAND = "minunet.compare"
CASES = 4  # images on which the two differ most
NUMBERS = {
    "true_cells": "cells in A",
    "predicted_cells": "cells in B",
    "cell_f1": "F1 of cells, IoU 0.5",
    "panoptic_quality": "panoptic quality",
    "count_error": "count error",
    "count_bias": "count bias",
}


def write_comparison_report(
    out: Path, a: Path, b: Path, comparison: ComparedFolders, command: Sequence[str], say: Say
) -> None:
    """Write the report of a comparison whose files are there, and print its name.

    Parameters
    ----------
    out, a, b : Path
    comparison : ComparedFolders
    command : sequence of str
        What gives the same files, a line each.
    say : callable
        Takes each line of text.
    """
    write_report(out, COMMAND, lambda: comparison_page(out, a, b, comparison, command), say)


def comparison_page(out: Path, a: Path, b: Path, comparison: ComparedFolders, command: Sequence[str]) -> ReportPage:
    """The page; the parameters are those of `write_comparison_report`."""
    scores = comparison.scores.result()
    counts = comparison.scores.images.values()
    true, predicted = [image.true for image in counts], [image.predicted for image in counts]
    count = count_noun(len(comparison.scores), "image")
    readings = [
        (f"{word}: {folder.path}", folder.reading.describe())
        for word, folder in zip("AB", comparison.folders, strict=True)
    ]
    return ReportPage(
        title=f"Comparison: {out.resolve().name}",
        summary=_summary(comparison, count),
        made=made_by(),
        warnings=[
            *map(ReportWarning, [*comparison.notes, *_unlike(comparison)]),
            *named_warnings([(name, "is only in A") for name in comparison.only_a], "comparison.json"),
            *named_warnings([(name, "is only in B") for name in comparison.only_b], "comparison.json"),
        ],
        numbers=[(label, score_text(scores, name)) for name, label in NUMBERS.items()] + _mean_dice(comparison),
        sections=[
            ReportSection(
                "command",
                "What was compared",
                paragraphs=["This compares the same files again:"],
                commands=command,
                facts=[("A, taken for the truth", str(a)), ("B, compared with it", str(b)), ("images", count)],
            ),
            plots_section(
                "counts",
                "Numbers of cells",
                lambda: count_plots(true, predicted, ("cells in A", "cells in B"), ("A", "B")),
            ),
            _worst(comparison, count),
            class_section(comparison.class_rows(), source="comparison.json"),
            ReportSection(
                "images", "Images", table=report_table(table_lines(out / "per_image.csv"), "images", "per_image.csv")
            ),
            ReportSection(
                "scores",
                "All scores",
                facts=[(name.replace("_", " "), as_text(value)) for name, value in scores.items()],
                folded=True,
            ),
            ReportSection("reading", "How A and B are read", facts=readings),
            files_section(out, COMPARISON_FILES),
            software_section(out, [out / "comparison.json", out / "per_image.csv"]),
        ],
    )


def _summary(comparison: ComparedFolders, count: str) -> list[str]:
    scores, agreement = comparison.scores.result(), comparison.agreement
    limits = ""
    if agreement.limits is not None:
        limits = "; 95 % of such differences lie between {:+.1f} and {:+.1f}".format(*agreement.limits)
    return [
        f"{count}: {score_text(scores, 'true_cells')} cells in A, which is taken for the truth, and "
        f"{score_text(scores, 'predicted_cells')} in B; the same single cells are found with F1 {score_text(scores, 'cell_f1')}.",
        f"B - A is {agreement.bias:+.2f} cells an image on average{limits}.",
    ]


def _mean_dice(comparison: ComparedFolders) -> list[tuple[str, str]]:
    """The mean Dice of the classes, where their pixels are compared."""
    if comparison.pixels is None:
        return []
    return [("mean Dice of the classes", score_text({"mean": comparison.pixels.mean_dice()}, "mean"))]


def _unlike(comparison: ComparedFolders) -> list[str]:
    """A sentence where the numbers of cells differ because only one of the folders numbers its cells."""
    numbered = [folder.reading.numbered for folder in comparison.folders]
    if numbered[0] == numbered[1]:
        return []
    word = "AB"[numbered.index(False)]
    return [f"The masks of {word} do not number their cells: cells that touch in them are compared as one cell."]


def _worst(comparison: ComparedFolders, count: str) -> ReportSection:
    """The pictures of the images on which the two differ most."""
    heading = f"Where A and B differ most, of {count}"
    cases = []
    for number, (name, row) in enumerate(comparison.worst(CASES), start=1):
        caption = (
            f"F1 of cells {row['cell_f1']:.3f}; {row['true_cells']} cells in A, {row['predicted_cells']} in B; "
            f"splits {row['splits']}, merges {row['merges']}"
        )
        a, b = (cells.labels for cells in comparison.cells(name))
        shown = ShownLabels.of(name, a, b, _image(comparison.images.get(name), a.shape))
        cases.append(ReportCase(f"worst {number}: {name}", shown.pictures(), caption))
    return ReportSection("cases", heading, cases=cases, legend=DIFFERENCE_LEGEND if cases else ())


def _image(path: Path | None, shape: tuple[int, ...]) -> np.ndarray | None:
    """The image below the outlines; None where it is not known, is of another size than the labels, or cannot be read."""
    if path is None:
        return None
    try:
        image = decode(path, report=None)
    except UserError:
        return None
    if image.shape[:2] != shape:
        return None
    return image if image.dtype == np.uint8 else image / max(1.0, float(image.max()))
