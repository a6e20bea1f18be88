# PYTHON_ARGCOMPLETE_OK
"""`python -m minunet.synthesize`: draw a set of blood smears with exact masks, for first tries, for tests and for teaching."""

from __future__ import annotations

import os
import shlex
import sys

from minunet.cli.argument_types import file_path, image_size, non_negative_int, positive_float, positive_int
from minunet.cli.command import INTERRUPTED, command, print_folded
from minunet.cli.console import say_commands, say_item
from minunet.cli.parser import Parser
from minunet.cli.streams import is_terminal
from minunet.data.synthetic import VARIETIES, drawing_problems, set_problems, write_set
from minunet.errors import UserError
from minunet.files.atomic_write import write_bytes
from minunet.results.picture import png_bytes
from minunet.results.smear_sheet import smear_sheet
from minunet.wording import count_noun

SHOWN = 8  # smears on the contact sheet
MAX_SMEARS = 1_000_000

DESCRIPTION = """\
Draw blood smears with exact masks: red cells of many shapes, white cells, platelets, debris; stain,
light, focus and noise differ from smear to smear."""

EPILOG = """\
what it writes:
  OUT/images/smear_0000.png      the photographs, RGB
  OUT/masks/smear_0000.png       0 background, 255 red or white cell (platelets and debris are background)
  OUT/instances/smear_0000.png   16-bit: the number of the cell at each pixel, the top-most where cells overlap
  OUT/classes/smear_0000.png     palette: 0 background, 1 red cell, 2 cytoplasm and 3 nucleus of a white cell, 4 platelet
  OUT/cells.csv                  a row per cell: image, instance, kind, shape, visible pixels
  OUT/sheet.png                  some of the smears, and below each the outlines of its cells

examples:
  python -m minunet.synthesize smears
  python -m minunet.synthesize smears --count 200 --size 512x384 --seed 7
  python -m minunet.synthesize smears --variety wide --diameter 24
  python -m minunet.train smears
  python -m minunet.train smears --masks smears/classes

The same seed draws the same smears, and a longer set begins with the shorter one. A set is written completely
or not at all, and never replaces another."""


def build_parser() -> Parser:
    """The command's arguments."""
    parser = Parser(prog="python -m minunet.synthesize", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument("out", metavar="OUT", type=file_path, help="the folder to write to; created if missing")
    parser.add_argument("--count", metavar="N", type=positive_int, default=64, help="how many smears (default 64)")
    parser.add_argument(
        "--size",
        metavar="WxH",
        type=image_size,
        default=(256, 256),
        help="width and height in pixels (default 256x256, with 12 to 35 cells; a larger image shows more and larger cells)",
    )
    parser.add_argument(
        "--diameter", metavar="D", type=positive_float, help="of a red cell in pixels, on average (default by the size)"
    )
    parser.add_argument(
        "--variety",
        choices=tuple(VARIETIES),
        default="mild",
        help="mild: as from one laboratory; wide: stains, films, microscopes and cameras from anywhere (default mild)",
    )
    parser.add_argument("--seed", metavar="S", type=non_negative_int, default=0, help="0, 1, 2, ... (default 0)")
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    arguments, problems = build_parser().parse_collecting(argv)
    width, height = arguments.size
    problems += [f"--{text}." for text in drawing_problems(arguments.size, diameter=arguments.diameter).values()]
    if arguments.count > MAX_SMEARS:
        problems.append(f"--count {arguments.count}: at most {MAX_SMEARS} at a time; draw more with other seeds.")
    sheet = arguments.out / "sheet.png"
    obstacles = set_problems(arguments.out)
    if not obstacles and os.path.lexists(sheet):
        obstacles = [f"{sheet}: is there already and would be overwritten; move it away, or name another folder."]
    if problems := problems + obstacles:
        raise UserError(problems)
    try:
        names = write_set(
            arguments.out,
            arguments.count,
            arguments.size,
            arguments.seed,
            progress=is_terminal(sys.stderr),
            variety=arguments.variety,
            diameter=arguments.diameter,
        )
    except KeyboardInterrupt as error:
        print(file=sys.stderr)  # below ^C and the bar
        print_folded(f"interrupted: nothing was kept in {arguments.out}")
        return getattr(error, "exit_code", INTERRUPTED)
    write_bytes(sheet, png_bytes(smear_sheet(arguments.out, names[:SHOWN])), durable=False)
    say_item(print, "drawn", f"{count_noun(len(names), 'smear')} of {width}x{height} pixels in {arguments.out}")
    say_item(print, "open", str(sheet), fold=False)
    say_commands(print, "train", f"python -m minunet.train {shlex.quote(str(arguments.out))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
