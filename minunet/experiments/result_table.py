"""The result table: the paper's numbers, ours below them with their limits, and rows for the other claims.

It is printed within 80 columns, and written as Markdown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from minunet.experiments import paper_numbers
from minunet.experiments.seed_scores import MEASURES, SeedScores
from minunet.experiments.variations import TableSection

COLUMNS = {
    "loss": 7,
    "floor": 7,
    "Keras": 7,
    "ceiling": 8,
    "all-bg": 7,
    "Dice": 7,
    "guess": 7,
    "IoU": 7,
}  # and their widths
LABEL = 23  # columns of text
FAILED = "learned nothing: Dice as of guess"
LEGEND = (
    "loss: cross-entropy of the test images, in nats; floor: the lowest that their masks allow",
    "Keras: accuracy as Keras reports it, round(p) == target; ceiling: the highest that the masks allow",
    "all-bg: the Keras accuracy of calling every pixel background",
    "Dice, IoU: targets of at least one half are cells",
    "guess: the Dice of the better of calling everything cell and everything background",
)


@dataclass(frozen=True)
class TableLine:
    """A row of the table, or a heading, which has no cells; a cell that does not apply is None."""

    label: str
    cells: tuple[float | None, ...] | None = None
    note: str = ""  # in place of cells


def table_lines(sections: Sequence[TableSection], scores: Mapping[str, SeedScores]) -> list[TableLine]:
    """The table as lines, without sections that have no results.

    Parameters
    ----------
    sections : sequence of TableSection
    scores : mapping of str to SeedScores
        By the keys of the variations.
    """
    table = []
    if any(key in scores for section in sections if section.part == "m1m2" for key, _ in section.rows):
        table.append(TableLine("the paper"))
        for label, paper in (("M1, grey masks", paper_numbers.M1), ("M2, binary masks", paper_numbers.M2)):
            table.append(TableLine(label, (paper.loss, None, paper.accuracy, *[None] * 5)))
    for section in sections:
        rows = [(label, scores[key]) for key, label in section.rows if key in scores]
        if rows:
            table.append(TableLine(section.title))
            for label, score in rows:
                table += _measured(label, score)
    return table


def table_as_text(table: Sequence[TableLine]) -> str:
    """For a terminal, at most 80 columns wide."""
    header = " " * LABEL + "".join(f"{column:>{width}}" for column, width in COLUMNS.items())
    rows = [header.rstrip()]
    for line in table:
        if line.note:
            rows.append(f" {line.label:<{LABEL - 1}}  {line.note}")
        elif line.cells is None:
            rows.append(line.label)
        else:
            cells = zip(line.cells, COLUMNS.values(), strict=True)
            rows.append(f" {line.label:<{LABEL - 1}}" + "".join(f"{_number(cell):>{width}}" for cell, width in cells))
    return "\n".join(rows)


def table_as_markdown(table: Sequence[TableLine]) -> str:
    """As a Markdown table; headings are rows in bold."""
    rows = [_row(["", *COLUMNS]), _row(["---", *(["---:"] * len(COLUMNS))])]
    for line in table:
        if line.note:
            rows.append(_row([line.label.strip(), line.note, *([""] * (len(COLUMNS) - 1))]))
        elif line.cells is None:
            rows.append(_row([f"**{line.label}**", *([""] * len(COLUMNS))]))
        else:
            rows.append(_row([line.label.strip(), *map(_number, line.cells)]))
    return "\n".join(rows)


def measured_cells(score: SeedScores) -> tuple[float, ...]:
    """The cells of a row, in the order of `COLUMNS`, of a variation with at least one run."""
    limits = score.limits
    return (
        score.loss,
        limits.loss_floor,
        score.keras_accuracy,
        limits.keras_accuracy_ceiling,
        limits.keras_baseline,
        score.dice,
        score.trivial_dice,
        score.iou,
    )


def _measured(label: str, score: SeedScores) -> list[TableLine]:
    lost = f"diverged (seed {', '.join(map(str, score.diverged))})" if score.diverged else ""
    if not score.runs:
        return [TableLine(label, note=lost)]
    rows = [TableLine(label, measured_cells(score))]
    if len(score.runs) > 1:
        loss, keras, dice, iou = (score.spread(measure) for measure in MEASURES)
        rows.append(TableLine(f"    sd of {len(score.runs)} seeds", (loss, None, keras, None, None, dice, None, iou)))
    if lost:
        rows.append(TableLine("    other seeds", note=lost))
    if score.failed:
        seeds = "" if len(score.failed) == len(score.runs) else f"seed {', '.join(map(str, score.failed))} "
        rows.append(TableLine("   ", note=f"{seeds}{FAILED}"))
    return rows


def _number(cell: float | None) -> str:
    return "-" if cell is None else f"{cell:.4f}"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
