"""The table: the paper's numbers, ours beside them with their bounds, and a line for each of the other claims.

One layout, printed within 80 columns and written as Markdown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from minunet.experiments import paper_numbers
from minunet.experiments.catalogue import Heading
from minunet.experiments.seed_scores import Scores

COLUMNS = ("loss", "floor", "Keras", "ceiling", "all-bg", "Dice", "IoU")
LABEL, CELL = 24, 8  # columns of text
LEGEND = (
    "loss: cross-entropy of the test images, in nats; floor: the least that their masks allow",
    "Keras: accuracy as Keras reports it, round(p) == target; ceiling: the most that the masks allow",
    "all-bg: the Keras accuracy of calling every pixel background",
    "Dice, IoU: targets of at least one half are cells",
)


@dataclass(frozen=True)
class Line:
    """A row of the table, or with no cells a heading in it; a cell that does not apply is None."""

    label: str
    cells: tuple[float | None, ...] | None = None
    note: str = ""  # in place of cells


def lines(headings: Sequence[Heading], scores: Mapping[str, Scores]) -> list[Line]:
    """The table as lines: headings of which nothing was measured are left out.

    Parameters
    ----------
    headings : sequence of Heading
    scores : mapping of str to Scores
        By the keys of the variations.
    """
    table = []
    if any(key in scores for heading in headings if heading.part == "m1m2" for key, _ in heading.rows):
        table += [
            Line("the paper"),
            *(
                _published(*pair)
                for pair in (("M1, grey masks", paper_numbers.M1), ("M2, binary masks", paper_numbers.M2))
            ),
        ]
    for heading in headings:
        rows = [(label, scores[key]) for key, label in heading.rows if key in scores]
        if rows:
            table.append(Line(heading.title))
            for label, score in rows:
                table += _measured(label, score)
    return table


def as_text(table: Sequence[Line]) -> str:
    """For a terminal, at most 80 columns wide."""
    header = " " * LABEL + "".join(f"{column:>{CELL}}" for column in COLUMNS)
    rows = [header.rstrip()]
    for line in table:
        if line.note:
            rows.append(f"  {line.label:<{LABEL - 2}}  {line.note}")
        elif line.cells is None:
            rows.append(line.label)
        else:
            rows.append(f"  {line.label:<{LABEL - 2}}" + "".join(f"{_number(cell):>{CELL}}" for cell in line.cells))
    return "\n".join(rows)


def as_markdown(table: Sequence[Line]) -> str:
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


def _published(label: str, numbers: paper_numbers.Published) -> Line:
    return Line(label, (numbers.loss, None, numbers.accuracy, None, None, None, None))


def _measured(label: str, score: Scores) -> list[Line]:
    lost = f"diverged (seed {', '.join(map(str, score.diverged))})" if score.diverged else ""
    if not score.runs:
        return [Line(label, note=lost)]
    bounds = score.bounds
    cells = (
        score.loss,
        bounds and bounds.floor,
        score.keras_accuracy,
        bounds and bounds.ceiling,
        bounds and bounds.background,
        score.dice,
        score.iou,
    )
    rows = [Line(label, cells)]
    if len(score.runs) > 1:
        sds = [score.spread(measure) for measure in ("loss", "keras_accuracy", "dice", "iou")]
        rows.append(Line(f"    sd of {len(score.runs)} seeds", (sds[0], None, sds[1], None, None, *sds[2:])))
    if lost:
        rows.append(Line("    besides", note=lost))
    return rows


def _number(cell: float | None) -> str:
    return "-" if cell is None else f"{cell:.4f}"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
