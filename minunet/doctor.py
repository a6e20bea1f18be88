# PYTHON_ARGCOMPLETE_OK
"""`python -m minunet.doctor DATA`: one page on what a training would see in a data set, before anyone trains."""

from __future__ import annotations

import sys
from argparse import Namespace
from functools import partial
from pathlib import Path

from minunet.cli.argument_types import file_path, path_text
from minunet.cli.command import command
from minunet.cli.console import FileProgressBar, say_item
from minunet.cli.json_output import FLAG, say_json
from minunet.cli.parser import Parser
from minunet.errors import UserError
from minunet.files.atomic_write import write_bytes
from minunet.inspection.document import inspection_document
from minunet.inspection.dump import data_folders, dump_folder, dump_problems
from minunet.inspection.inspect_data import FoundData, find_data, inspect_found
from minunet.inspection.inspection import ERRORS, Inspection
from minunet.inspection.outline_sheet import outline_sheet, sheet_problems
from minunet.inspection.page import page_lines
from minunet.inspection.suggested_command import suggested_size, train_command
from minunet.results.picture import png_bytes
from minunet.runs.run_folder import given_as_images
from minunet.runs.setting_flags import add_setting_flags, add_skip_unpaired, given_settings
from minunet.runs.train_config import TrainConfig
from minunet.runs.train_flags import CHOSEN, DATA_SETTINGS, FITTING

SETTINGS = (*DATA_SETTINGS, "seed")
SWITCHES = ("skip_unpaired",)
DESCRIPTION = """\
Look at a folder of images and masks as a training would: what the files hold,
how masks and images are read, the cells and their size, images that are there
twice or are unlike the others, and the command to train with. Nothing is
changed or written without --dump or --sheet."""
EPILOG = """\
exit codes:
  0   sound
  1   warnings: read them, then train
  2   problems: a training would refuse the data

--dump writes what training sees before it resizes, for any program to open:
  DIR/images/NAME.png   grey or colour, 8 bit, black and white as training has them
  DIR/masks/NAME.png    0 background, 255 cell, 128 ignored; with --mask grayscale
                        the greys
  DIR/labels/NAME.png   16 bit: the number of the cell at each pixel, where masks
                        number cells
  DIR/pairs.csv         a row for each pair, with all that was measured
  DIR/sheet.png         twelve images with the outlines of their masks
It is written completely or not at all, and never over other files.

examples:
  python -m minunet.doctor smears
  python -m minunet.doctor smears --sheet sheet.png
  python -m minunet.doctor --images a --masks b --channels rgb --dump seen
  python -m minunet.doctor smears --json > smears.json

docs/doctor.md explains every line."""


@command
def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = build_parser()
    as_json = FLAG in (sys.argv[1:] if argv is None else argv)
    try:
        return examine(*parser.parse_collecting(argv))
    except UserError as error:
        if not as_json:
            raise
        say_json({"verdict": "errors", "exit_code": ERRORS, "problems": error.problems})
        return ERRORS


def build_parser() -> Parser:
    """The command's arguments; the value of a setting that was not given is None."""
    parser = Parser(
        prog="python -m minunet.doctor",
        usage="python -m minunet.doctor DATA [options]",
        description=DESCRIPTION,
        epilog=EPILOG,
    )
    parser.add_argument("data", nargs="?", metavar="DATA", type=path_text, help="folder with images and masks")
    parser.add_argument("--json", action="store_true", help="print a JSON document in place of the page")
    parser.add_argument("--dump", metavar="DIR", type=file_path, help="write what training sees as plain pictures")
    parser.add_argument(
        "--sheet",
        metavar="FILE",
        type=file_path,
        help="write twelve images with the outlines of their masks, a PNG file",
    )
    settings = parser.add_argument_group("settings of the training")
    add_setting_flags(settings, SETTINGS, TrainConfig(), in_words={"size": FITTING, "target": CHOSEN})
    add_skip_unpaired(settings)
    return parser


def examine(arguments: Namespace, problems: list[str]) -> int:
    """Inspect, write what is asked for, and print; return the exit code."""
    config = read_config(arguments)
    if no_images := given_as_images(config.data, "give a folder of images and masks"):
        raise UserError([*problems, *no_images])
    known_problems, typed = [*problems, *config.problems()], train_command(arguments, (*SETTINGS, *SWITCHES))
    found = find_data(config, known_problems, typed, FileProgressBar, fit_size=fits(arguments))
    if refused := output_problems(arguments, found):
        raise UserError([*found.examined.problems, *refused])
    inspect = partial(inspect_found, found, FileProgressBar, partial(suggested, arguments))
    if arguments.dump is None:
        inspection = inspect()
    else:
        with dump_folder(arguments.dump, partial(output_problems, arguments, found), say_note) as dump:
            inspection = inspect(keep=dump.write)
            dump.finish(inspection)
    if arguments.sheet is not None and inspection.measures:
        write_bytes(arguments.sheet, png_bytes(outline_sheet(inspection)), durable=False)
    if arguments.json:
        say_json(inspection_document(inspection))
    else:
        print(*page_lines(inspection), sep="\n")
        if inspection.measures:
            written = [arguments.dump and arguments.dump / "sheet.png", arguments.sheet]
            say_item(print, "open", *(str(path) for path in written if path is not None), fold=False)
    return inspection.exit_code


def read_config(arguments: Namespace) -> TrainConfig:
    """The settings of the training that is asked about."""
    given = Namespace(**{name: getattr(arguments, name) for name in ("data", *SETTINGS, *SWITCHES)})
    values = given_settings(given)
    if "crop" in values:
        values.setdefault("size", None)
    return TrainConfig(**values)


def fits(arguments: Namespace) -> bool:
    """Whether the size of the network's input is left to the images."""
    return arguments.size is None and arguments.crop is None


def suggested(arguments: Namespace, inspection: Inspection) -> str:
    """The command to train with."""
    return train_command(arguments, (*SETTINGS, *SWITCHES), suggested_size(inspection))


def output_problems(arguments: Namespace, found: FoundData) -> list[str]:
    """Why --dump or --sheet cannot be written, a sentence each."""
    config, pairs = found.config, found.examined.survey.pairs
    data = [Path(path) for path in (config.data, config.images, config.masks) if path is not None]
    problems = [] if arguments.dump is None else dump_problems(arguments.dump, data, pairs)
    if arguments.sheet is not None:
        problems += sheet_problems(arguments.sheet, data_folders(data, pairs))
    return problems


def say_note(sentence: str) -> None:
    """Print a note on stderr: stdout may be read by a program."""
    say_item(partial(print, file=sys.stderr), "note", sentence)


if __name__ == "__main__":
    sys.exit(main())
