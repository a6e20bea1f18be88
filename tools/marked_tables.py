"""Tables that a tool makes of the figures under benchmarks/results, between two marked lines of a Markdown file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table as Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


@dataclass(frozen=True)
class MarkedTables:
    """The tables that one tool makes, and where they belong.

    Attributes
    ----------
    begin, end : str
        The marked lines around them.
    of_folder : callable
        Takes a folder of figures; the tables of the files in it as Markdown, each with two line ends behind it, and ""
        where it has no figures for any.
    """

    begin: str
    end: str
    of_folder: Callable[[Path], str]

    def made(self, folder: Path = RESULTS) -> str:
        """The tables of a folder of figures, then those of the folders in it, each under the first line of its TITLE file."""
        others = [(path, self.of_folder(path)) for path in sorted(folder.iterdir()) if path.is_dir()]
        later = [f"{_title(path)}\n\n{tables}" for path, tables in others if tables]
        return "".join([self.of_folder(folder), *later]).rstrip("\n") + "\n"

    def replaced(self, text: str, new: str) -> str:
        """`text` with `new` between the markers.

        Raises
        ------
        ValueError
            If the markers are not there, in this order.
        """
        before, begin, rest = text.partition(self.begin)
        _, end, after = rest.partition(self.end)
        if not begin or not end:
            raise ValueError(f"the text needs the lines {self.begin!r} and {self.end!r}")
        return f"{before}{self.begin}\n\n{new}\n{self.end}{after}"

    def main(self, description: str, argv: list[str] | None = None) -> int:
        """The tool's command line: print the tables, or put them between the markers of a file; 2 where that cannot be done."""
        parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR", help="folder of the figures")
        parser.add_argument(
            "--write", type=Path, metavar="FILE", help="put the tables between the markers of this file"
        )
        args = parser.parse_args(argv)
        made = self.made(args.results)
        if args.write is None:
            print(made, end="")
            return 0
        try:
            text = self.replaced(args.write.read_text(encoding="utf-8"), made)
        except (OSError, ValueError) as error:
            print(f"error: {args.write}: {error}", file=sys.stderr)
            return 2
        args.write.write_text(text, encoding="utf-8")
        return 0


def _title(folder: Path) -> str:
    path = folder / "TITLE"
    return path.read_text(encoding="utf-8").splitlines()[0] if path.is_file() else f"Of the folder `{folder.name}`:"
