"""The tables of a report: rows of a CSV file with whatever columns it has, of which so many are shown that a page stays small."""

from __future__ import annotations

import csv
import heapq
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

Fields = list[str]
MOST_ROWS = 1000
TEXT = (
    "image",
    "name",
    "side",
    "class",
    "notes",
    "unlike",
)  # columns that are no numbers, even where their texts look so
LONG = 40  # letters; columns of longer texts are broken into lines


@dataclass(frozen=True)
class TableColumn:
    """The name of a column, whether it holds numbers, and whether it holds long texts."""

    name: str
    is_number: bool
    is_long: bool = False


@dataclass(frozen=True)
class ReportTable:
    """A table that is sorted by a click on the name of a column.

    Attributes
    ----------
    label : str
        What it is, for readers who do not see it.
    columns : sequence of TableColumn
    rows : sequence of list of str
    note : str
        Above it.
    """

    label: str
    columns: Sequence[TableColumn]
    rows: Sequence[Fields]
    note: str = ""

    @property
    def name_length(self) -> int:
        """Letters of the longest text in the first column, at most 40: so wide is the column where there is room."""
        return min(LONG, max(len(row[0]) for row in self.rows) + 2)

    def cells(self, row: Fields) -> Iterator[tuple[TableColumn, str]]:
        """The texts of a row as they are shown, each with its column."""
        for column, text in zip(self.columns, row, strict=True):
            yield column, shown_number(text) if column.is_number else text


def report_table(
    lines: Iterable[str],
    label: str,
    source: str,
    *,
    lowest: str | None = None,
    most: int = MOST_ROWS,
    observe: Callable[[dict[str, str]], object] | None = None,
) -> ReportTable | None:
    """The table of a CSV file.

    Parameters
    ----------
    lines : iterable of str
        Of the file; only the rows that are shown are kept in memory.
    label : str
        What a row is, in the plural, such as "cells".
    source : str
        The name of the file, for the line that says how many rows are left out.
    lowest : str, optional
        Where there are too many rows, those with the lowest numbers in this column are shown; the first ones where there is no
        such column.
    most : int
        The largest number of rows.
    observe : callable, optional
        Called with each row of the file as a dictionary.

    Returns
    -------
    ReportTable or None
        None for a file without rows.
    """
    reader = csv.reader(lines)
    header = next(reader, [])
    count = 0

    def rows() -> Iterator[Fields]:
        nonlocal count
        for row in reader:
            if len(row) == len(header):
                count += 1
                if observe is not None:
                    observe(dict(zip(header, row, strict=True)))
                yield row

    place = header.index(lowest) if lowest in header else None
    if place is None:
        source_rows = rows()
        shown = list(itertools.islice(source_rows, most))
        for _ in source_rows:  # counted and observed
            pass
        which = "the first ones"
    else:
        # Of equal numbers the first ones, as they are in the file.
        found = heapq.nsmallest(most, enumerate(rows()), key=lambda item: (_key(item[1][place]), item[0]))
        shown = [row for _, row in sorted(found)]
        which = f"those with the lowest {lowest}"
    if not shown:
        return None
    note = ""
    if count > len(shown):
        note = f"{len(shown):,} of {count:,} {label}: {which}. All are in {source}."
    return ReportTable(label, _columns(header, shown), shown, note)


def shown_number(text: str) -> str:
    """A number as it is shown: whole numbers in all their digits, others with five significant ones.

    Examples
    --------
    >>> shown_number("0.9612388690886863"), shown_number("1944"), shown_number("123456.789"), shown_number("")
    ('0.96124', '1944', '123457', '')
    """
    try:
        value = float(text)
    except ValueError:
        return text
    if text.lstrip("+-").isdigit() or not math.isfinite(value):
        return text
    return f"{value:.0f}" if abs(value) >= 1e5 and abs(value) < 1e15 else f"{value:.5g}"


def _columns(header: Fields, rows: Sequence[Fields]) -> list[TableColumn]:
    columns = []
    for place, name in enumerate(header):
        texts = [row[place] for row in rows]
        is_number = place > 0 and name not in TEXT and any(texts) and all(map(_is_number, texts))
        columns.append(TableColumn(name, is_number, not is_number and max(map(len, texts)) > LONG))
    return columns


def _is_number(text: str) -> bool:
    return text == "" or _key(text) < math.inf


def _key(text: str) -> float:
    """A number for sorting; what is none is the highest."""
    try:
        value = float(text)
    except ValueError:
        return math.inf
    return value if math.isfinite(value) else math.inf
