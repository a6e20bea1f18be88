# PYTHON_ARGCOMPLETE_OK
"""`python -m minunet.compare A B`: two folders of masks or labels, compared cell by cell."""

from __future__ import annotations

import sys
from functools import partial

from minunet.cell_packages import missing_packages
from minunet.cli.argument_types import file_path
from minunet.cli.command import command
from minunet.cli.console import FileProgressBar, say_item
from minunet.cli.parser import Parser
from minunet.errors import UserError
from minunet.files.lock import FolderLock
from minunet.results.cell_table import score_lines, worst_lines
from minunet.runs.comparison_report import write_comparison_report
from minunet.runs.comparison_run import (
    COMPARISON_FILES,
    ComparedFolders,
    compare_folders,
    comparison_problems,
    write_comparison,
)
from minunet.runs.mask_flags import add_mask_flags, mask_choice
from minunet.runs.report_file import add_report_flag, command_line
from minunet.wording import count_noun, join_names

COMMAND = "python -m minunet.compare A B"
EPILOG = f"""\
A is taken for the truth: a folder of masks drawn by hand, of labels from Fiji, QuPath or
Cellpose, or of predictions of another model. Files belong together by their names, where
_mask and _labels at the end do not count. Of a folder of predictions NAME_labels.tif are
taken. Masks that do not number their cells are compared by their connected regions.
Where cells of both have classes, each class is compared too, its pixels and its cells:
predictions of models with classes, and masks whose values --classes names.

scores: F1, AP at IoU 0.5 to 0.9, panoptic quality, AJI, count error, splits, merges and
distance of the borders (docs/cells.md); bias and limits of agreement of the counts by
Bland and Altman.

files in --out:
{chr(10).join(f"  {name:<18}{what}" for name, what in COMPARISON_FILES.items())}

examples:
  python -m minunet.compare masks predictions/first
  python -m minunet.compare fiji ours --out agreement
  python -m minunet.compare fiji ours --out agreement --images smears
  python -m minunet.compare masks ours --classes background,red,white
"""


@command
def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    typed = sys.argv[1:] if argv is None else argv
    arguments, problems = build_parser().parse_collecting(typed)
    if missing := missing_packages():
        problems.append(f"{missing}.")
    a, b, out = arguments.a, arguments.b, arguments.out
    if out is not None:
        problems += comparison_problems(out, [a, b], arguments.overwrite)
    if problems:
        raise UserError(problems)
    with FileProgressBar("comparing") as progress:
        comparison = compare_folders(a, b, progress, arguments.images, mask_choice(arguments, COMMAND))
    for note in comparison.notes:
        say_item(print, "note", note)
    print(*report(comparison), sep="\n")
    if out is None:
        say_item(print, "keep", "--out DIR writes these numbers and a plot of the counts")
        return 0
    with FolderLock(out, say=partial(say_item, print, "note")) as lock:
        lock.sweep()
        if problems := comparison_problems(out, [a, b], arguments.overwrite):
            raise UserError(problems)
        if reason := write_comparison(out, a, b, comparison):
            say_item(print, "plot", reason)
        if not arguments.no_report:
            again = command_line("minunet.compare", typed, overwrite=True)
            write_comparison_report(out, a, b, comparison, again, print)
    say_item(print, "open", str(out / "per_image.csv"), fold=False)
    return 0


def report(comparison: ComparedFolders) -> list[str]:
    """The lines that are printed."""
    agreement = comparison.agreement
    limits = "" if agreement.limits is None else ", 95 % of them from {:+.1f} to {:+.1f}".format(*agreement.limits)
    lines = [
        f"{count_noun(len(comparison.scores), 'image')} compared; A is taken for the truth, B for the prediction:",
        *score_lines(comparison.scores),
        f"  counts, B - A         {agreement.bias:+.2f} cells on average{limits}",
        *comparison.class_lines(),
        "",
        *worst_lines(comparison.scores),
        "",
    ]
    for where, names in (("A", comparison.only_a), ("B", comparison.only_b)):
        if names:
            lines.append(f"only in {where}: {join_names(names)}")
    return lines


def build_parser() -> Parser:
    """The command's arguments."""
    parser = Parser(
        prog="python -m minunet.compare",
        description="Compare two folders of masks or labels, cell by cell.",
        epilog=EPILOG,
    )
    parser.add_argument("a", metavar="A", type=file_path, help="folder of masks or labels that are taken for the truth")
    parser.add_argument("b", metavar="B", type=file_path, help="folder of masks or labels to compare with them")
    parser.add_argument(
        "--images",
        metavar="DIR",
        type=file_path,
        help="folder of the images, for the pictures of the report (default none)",
    )
    add_mask_flags(parser)
    parser.add_argument("--out", metavar="DIR", type=file_path, help="folder for the numbers (default none)")
    parser.add_argument("--overwrite", action="store_true", help="replace the files of an earlier comparison in --out")
    add_report_flag(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
