"""The report of a folder of predictions: report.html, made from the tables and pictures that are in the folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minunet.cli.console import Say
from minunet.data.finding.input_images import InputImage
from minunet.inference.loaded_model import LoadedModel
from minunet.results.report.report_page import ReportPage, ReportSection, ReportWarning
from minunet.results.report.report_plots import ReportPlot, interval_plot, size_plot
from minunet.results.report.report_tables import ReportTable, report_table
from minunet.runs.cell_results import CellRequest
from minunet.runs.folder_contents import FolderContents
from minunet.runs.prediction_gallery import gallery_section
from minunet.runs.prediction_run import PredictedImages, has_results
from minunet.runs.prediction_tables import CELL_TABLE, IMAGE_TABLE, TABLES, PredictionTables
from minunet.runs.report_file import write_report
from minunet.runs.report_sections import (
    cell_facts,
    class_section,
    files_section,
    made_by,
    model_facts,
    named_warnings,
    plots_section,
    reading_section,
    software_section,
    table_lines,
)
from minunet.wording import count_noun

COMMAND = "minunet.predict"


def write_prediction_report(
    out: Path,
    model: LoadedModel,
    images: Sequence[InputImage],
    result: PredictedImages,
    cells: CellRequest | None,
    tables: PredictionTables | None,
    command: Sequence[str],
    say: Say,
) -> None:
    """Write the report of a folder of predictions, and print its name.

    Parameters
    ----------
    out : Path
    model : LoadedModel
    images : sequence of InputImage
        Those that were given; the gallery shows some of them that are in the folder.
    result : PredictedImages
    cells : CellRequest or None
        None where cells are not found.
    tables : PredictionTables or None
        The same.
    command : sequence of str
        What gives the same files, a line each.
    say : callable
        Takes each line of text.
    """
    write_report(out, COMMAND, lambda: prediction_page(out, model, images, result, cells, tables, command), say)


def prediction_page(
    out: Path,
    model: LoadedModel,
    images: Sequence[InputImage],
    result: PredictedImages,
    cells: CellRequest | None,
    tables: PredictionTables | None,
    command: Sequence[str],
) -> ReportPage:
    """The page; the parameters are those of `write_prediction_report`."""
    contents = FolderContents()
    image_table = cell_table = None
    if (out / IMAGE_TABLE).is_file():
        image_table = report_table(table_lines(out / IMAGE_TABLE), "images", IMAGE_TABLE, observe=contents.add_image)
    if (out / CELL_TABLE).is_file():
        cell_table = report_table(
            table_lines(out / CELL_TABLE), "cells", CELL_TABLE, lowest="confidence", observe=contents.add_cell
        )
    finished = [image for image in images if has_results(image, out)]
    notes = [*contents.notes]
    noted = {name for name, _ in notes}
    notes += [
        (image.image.name, " ".join(image.unlike))
        for image in result.done
        if image.unlike and image.image.name not in noted
    ]
    return ReportPage(
        title=f"Predictions: {out.resolve().name}",
        summary=_summary(result, tables),
        made=made_by(),
        warnings=[
            *(ReportWarning(failure, "failed") for failure in result.failures),
            *named_warnings(notes, IMAGE_TABLE),
        ],
        numbers=_numbers(contents, image_table),
        sections=[
            ReportSection(
                "command",
                "What was done",
                paragraphs=["This predicts the same images again:"],
                commands=command,
                facts=model_facts(model),
            ),
            gallery_section(out, model, finished, {name for name, _ in notes}),
            class_section(contents.class_rows(), model.legend, IMAGE_TABLE),
            plots_section("sizes", "Numbers and sizes of cells", lambda: _plots(contents)),
            ReportSection("images", "Images", table=image_table),
            ReportSection("cells", "Cells", table=cell_table),
            reading_section(
                model.preprocessing,
                masks=" in training",
                cells=[] if cells is None else cell_facts(cells.settings, chosen=model.cell_choice is not None),
            ),
            files_section(out, TABLES),
            software_section(out, [path for path in (model.path, out / IMAGE_TABLE, out / CELL_TABLE) if path]),
        ],
    )


def _summary(result: PredictedImages, tables: PredictionTables | None) -> list[str]:
    if tables is not None and tables.images():
        return [f"{line[:1].upper()}{line[1:]}." for line in tables.summary()]
    if not result.done:
        return []
    return [f"{count_noun(len(result.done), 'image')}; {100 * result.cell_share:.1f} % of the pixels are cells."]


def _numbers(contents: FolderContents, table: ReportTable | None) -> list[tuple[str, str]]:
    if table is None:
        return []
    numbers = [("images", f"{len(contents.counts):,}"), ("cells", f"{sum(contents.counts):,.0f}")]
    sizes, unit = contents.sizes()
    if sizes:
        values = np.concatenate([*sizes.values()])
        numbers.append((f"median diameter, {unit}", f"{np.median(values):.3g}"))
        if len(values) > 1:
            numbers.append(("size CV", f"{100 * np.std(values, ddof=1) / np.mean(values):.1f} %"))
    return [*numbers, ("images with notes", f"{len(contents.notes):,}")]


def _plots(contents: FolderContents) -> list[ReportPlot]:
    sizes, unit = contents.sizes()
    return [
        *([size_plot(sizes, unit)] if sizes else []),
        *([interval_plot(contents.counts, contents.intervals)] if len(contents.counts) > 1 else []),
    ]
