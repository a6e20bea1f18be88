# PYTHON_ARGCOMPLETE_OK
"""`python -m minunet.show MODEL IMAGE`: what each layer of a network makes of an image, as pictures and as a table."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from minunet.checkpoints.model_file import load_model
from minunet.cli.argument_types import file_path
from minunet.cli.command import command
from minunet.cli.console import say_item
from minunet.cli.machine_arguments import add_machine_arguments
from minunet.cli.model_argument import add_model_argument
from minunet.cli.parser import Parser
from minunet.data.reading.image_files import decode
from minunet.errors import UserError
from minunet.files.atomic_write import write_bytes
from minunet.files.folders import results_problems
from minunet.files.lock import FolderLock
from minunet.inference.loaded_model import LoadedModel
from minunet.kernels.cpu.threads import set_num_threads
from minunet.results.layer_sheet import LayerMaps, filter_sheet, last_of_blocks, layer_sheet, one_layer_sheet
from minunet.results.picture import png_bytes
from minunet.runs.layer_report import layer_maps, write_layer_report
from minunet.runs.report_file import add_report_flag, command_line
from minunet.summary.receptive_field import receptive_fields
from minunet.wording import join_names

EPILOG = """\
what it writes:
  OUT/layers.png    the image, and for each block of the network the six feature maps
                    that differ most over the image; black is the smallest value of a
                    map, white its largest
  OUT/filters.png   the 3x3 filters of the first convolution; grey is 0
  OUT/LAYER.png     with --layer: every feature map of that layer
  OUT/report.html   the maps, the filters and the table, to look at in a browser

A layer "sees" a square of the input: the pixels that one of its values depends on.
Layers of a U-Net: contraction.0 halves the image after it, ..., bottleneck,
expansion.0 doubles it and joins what the contraction had at that size, ..., head.

examples:
  python -m minunet.show runs/first smear.png
  python -m minunet.show pretrained smear.png
  python -m minunet.show runs/first smear.png --layer bottleneck.convs.1 --out layers
"""


@command
def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    typed = sys.argv[1:] if argv is None else argv
    arguments, problems = build_parser().parse_collecting(typed)
    out = arguments.out or Path(f"{arguments.image.stem}_layers")
    image = model = None
    try:
        model = load_model(arguments.model, arguments.device, arguments.precision)
    except UserError as error:
        problems += error.problems
    try:
        image = decode(arguments.image)
    except UserError as error:
        problems += error.problems
    if model is not None and arguments.layer is not None:
        problems += layer_problems(model, arguments.layer)
    names = ["layers.png", "filters.png", *([f"{arguments.layer}.png"] if arguments.layer else [])]
    problems += results_problems(out, names, [arguments.image], arguments.overwrite)
    if problems or model is None or image is None:
        raise UserError(problems)
    if arguments.threads is not None:
        set_num_threads(arguments.threads)
    with FolderLock(out, say=partial(say_item, print, "note")) as lock:
        lock.sweep()
        # Once more, because another process may have written there until now.
        if problems := results_problems(out, names, [arguments.image], arguments.overwrite):
            raise UserError(problems)
        layers = layer_maps(model, image)
        show(model, image, layers, arguments.image.name, out, arguments.layer)
        if not arguments.no_report:
            again = command_line("minunet.show", typed, overwrite=True)
            write_layer_report(out, model, image, arguments.image.name, layers, again, print)
    return 0


def show(
    model: LoadedModel, image: np.ndarray, layers: Sequence[LayerMaps], name: str, out: Path, chosen: str | None
) -> None:
    """Print the table of the layers and write the pictures to a folder that exists."""
    probability = model.predict(image)
    say_item(print, "model", model.summary())
    print(f"\n  {'layer':<30}{'width x height':>16}{'channels':>10}{'silent':>8}{'sees':>8}")
    for layer in layers:
        height, width, channels = layer.maps.shape
        print(f"  {layer.name:<30}{f'{width}x{height}':>16}{channels:>10}{layer.silent:>8}{layer.receptive_field:>8}")
    print("  (silent: channels that are the same everywhere; sees: the side, in pixels of")
    print("  the network's input, of the square that a value depends on)\n")
    shown = model.preprocessing.display(image)
    pictures: dict[str, Image.Image] = {
        "layers.png": layer_sheet(
            shown,
            last_of_blocks(layers),
            probability,
            heading=f"{name}: the maps of each block that differ most",
        ),
        "filters.png": filter_sheet(model.model.contraction[0].convs[0].weight.numpy(), heading="first filters"),
    }
    if chosen is not None:
        layer = next(layer for layer in layers if layer.name == chosen)
        pictures[f"{chosen}.png"] = one_layer_sheet(layer, heading=layer.describe())
    for file, picture in pictures.items():
        write_bytes(out / file, png_bytes(picture, compress_level=4))
    say_item(print, "open", *(str(out / file) for file in pictures), fold=False)


def layer_problems(model: LoadedModel, name: str) -> list[str]:
    """Why a layer cannot be shown."""
    names = list(receptive_fields(model.model))
    if name in names:
        return []
    near = difflib.get_close_matches(name, names, 3, cutoff=0.5)
    return [
        f"--layer {name}: this network has no such layer; "
        + (f"did you mean {join_names(near)}?" if near else f"there are {join_names(names, 40)}.")
    ]


def build_parser() -> Parser:
    """The command's arguments."""
    parser = Parser(
        prog="python -m minunet.show",
        description="Show what each layer of a trained network makes of an image.",
        epilog=EPILOG,
    )
    add_model_argument(parser)
    parser.add_argument("image", metavar="IMAGE", type=file_path, help="an image file")
    parser.add_argument("--layer", metavar="NAME", help="show every map of this layer too, such as bottleneck.convs.1")
    parser.add_argument("--out", metavar="DIR", type=file_path, help="folder for the pictures (default IMAGE_layers)")
    parser.add_argument("--overwrite", action="store_true", help="replace pictures that are there already")
    add_report_flag(parser)
    add_machine_arguments(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
