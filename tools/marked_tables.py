"""Tables that a tool makes of the figures under benchmarks/results, between two marked lines of a Markdown file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"


def markdown_table(head: list[str], rows: list[list[str]]) -> str:
    """A table as Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


@dataclass(frozen=True)
class MarkedTables:
    """The tables that one tool makes, and the marked lines between which they are written.

    Attributes
    ----------
    begin, end : str
        The marked lines around the tables.
    of_folder : callable
        Takes a folder of figures and returns the tables of the files in it as Markdown, each followed by two line ends; an
        empty string if the folder has no figures for any table.
    """

    begin: str
    end: str
    of_folder: Callable[[Path], str]

    def tables(self, results: Path = RESULTS) -> str:
        """The tables of a folder of figures, then those of its subfolders, each under the first line of its file TITLE."""
        subfolders = [(path, self.of_folder(path)) for path in sorted(results.iterdir()) if path.is_dir()]
        titled = [f"{_title(path)}\n\n{tables}" for path, tables in subfolders if tables]
        return "".join([self.of_folder(results), *titled]).rstrip("\n") + "\n"

    def replace_in(self, text: str, tables: str) -> str:
        """`text` with `tables` between the marked lines.

        Raises
        ------
        ValueError
            If `text` has not both marked lines, in their order.
        """
        before, begin, rest = text.partition(self.begin)
        _, end, after = rest.partition(self.end)
        if not begin or not end:
            raise ValueError(f"the text needs the lines {self.begin!r} and {self.end!r}")
        return f"{before}{self.begin}\n\n{tables}\n{self.end}{after}"

    def main(self, description: str, argv: list[str] | None = None) -> int:
        """The command line of the tool: print the tables, or write them into a file; returns 2 if the file cannot take them."""
        parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR", help="folder of the figures")
        parser.add_argument(
            "--write", type=Path, metavar="FILE", help="write the tables between the marked lines of this file"
        )
        args = parser.parse_args(argv)
        tables = self.tables(args.results)
        if args.write is None:
            print(tables, end="")
            return 0
        try:
            text = self.replace_in(args.write.read_text(encoding="utf-8"), tables)
        except (OSError, ValueError) as error:
            print(f"error: {args.write}: {error}", file=sys.stderr)
            return 2
        args.write.write_text(text, encoding="utf-8")
        return 0


def _title(folder: Path) -> str:
    path = folder / "TITLE"
    return path.read_text(encoding="utf-8").splitlines()[0] if path.is_file() else f"Of the folder `{folder.name}`:"
