# PYTHON_ARGCOMPLETE_OK
"""`python -m minunet.predict [MODEL] PATHS...`: cells, masks, probabilities, products and overlays for images and whole folders."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from minunet.cell_packages import missing_packages
from minunet.cells.cell_exports import ENDINGS, ZARR
from minunet.checkpoints.model_file import load_model
from minunet.cli.argument_types import (
    cell_diameter,
    file_path,
    fraction,
    micrometres,
    path_text,
    positive_int,
    pyramid_level,
)
from minunet.cli.command import command_of_ranks
from minunet.cli.console import say_item
from minunet.cli.json_output import add_json_flag, run_with_json
from minunet.cli.machine_arguments import add_machine_arguments
from minunet.cli.parser import Parser
from minunet.data.finding.input_images import InputImage, find_input_images
from minunet.errors import UserError
from minunet.files.folders import fresh_folder
from minunet.files.lock import FolderLock
from minunet.inference.loaded_model import LoadedModel
from minunet.kernels.cpu.threads import set_num_threads
from minunet.results.ome_zarr_file import zarr_package
from minunet.results.prediction import PICTURES, is_result
from minunet.runs.cell_results import CELL_FILES, CellRequest
from minunet.runs.image_costs import ImageCosts
from minunet.runs.level_choice import level_problems
from minunet.runs.model_messages import known_diameter_problems
from minunet.runs.prediction_inputs import model_and_images
from minunet.runs.prediction_messages import announce_prediction, announce_results
from minunet.runs.prediction_run import (
    has_results,
    predict_files,
    prediction_document,
    result_problems,
    unrecorded,
)
from minunet.runs.prediction_tables import TABLES, PredictionTables
from minunet.runs.prediction_work import PredictionWork
from minunet.runs.report_file import add_report_flag, command_line
from minunet.runs.worker_choice import add_worker_arguments, choose_workers, folder_of, worker_problems
from minunet.workers.tasks import OwnProcess, consecutive

MASK_THRESHOLD = 0.5
EPILOG = f"""\
for each image NAME, in the folder --out, sub-folders as in the folder given:
{chr(10).join(f"  NAME_{kind + '.png':<16} {what}" for kind, what in PICTURES.items())}
{chr(10).join(f"  NAME_{ending:<16} {what}" for ending, what in CELL_FILES.items())}
  NAME_classes.png      of a model with classes: the index of the class, with a palette
All have the image's own size, upright: a photo's EXIF orientation is applied.

in the folder --out, of all images in it (docs/cells.md describes every column):
{chr(10).join(f"  {name:<21} {what}" for name, what in TABLES.items())}
  report.html           all of it to look at in a browser: with the extra "report"
Sizes are in pixels, and in micrometres where --pixel-size or the file gives the size
of a pixel: the resolution of a TIFF or PNG, if it is that of a microscope. Cells need
the packages of minunet[cells]; without them only the four pictures are written.

PNG, JPEG, BMP and TIFF are read, in any numbers; whole slides (SVS, NDPI, OME-TIFF and
other tiled pyramids) and OME-Zarr folders tile by tile. Folders are searched with their
sub-folders; of a data set (images/ beside masks/, NAME_mask.png beside NAME.png)
only the images are used; hidden files and earlier results are left out. Where
folders share names their results get sub-folders; a.png beside a.jpg become a_png
and a_jpg.

An image that is unlike those that the model was trained on (tones, sharpness, size of
what is in it, colours), or that comes out as all cell or no cell, has a line "unlike".

examples:
  python -m minunet.predict smear.jpg
  python -m minunet.predict smears --diameter 40
  python -m minunet.predict runs/first smears
  python -m minunet.predict runs/first a.jpg b.tif --out results --threshold 0.4
  python -m minunet.predict runs/first smears --out results --skip-existing
  python -m minunet.predict slide.svs --level auto
  python -m minunet.predict runs/first smears --pixel-size 0.11 --export roi coco

exit code: 0 all done; 1 some images failed, they are listed and the others are done;
2 nothing was done because of a mistake in what was given; 130 stopped by Ctrl-C,
143 by SIGTERM, 129 by SIGHUP.
"""


@command_of_ranks
def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return run_with_json(argv, predict_images)


def predict_images(typed: Sequence[str]) -> tuple[int, dict[str, Any]]:
    """Do what the arguments ask for; returns the exit code, and the document of --json."""
    arguments, problems = build_parser().parse_collecting(typed)
    out = fresh_folder("predictions") if arguments.out is None else arguments.out
    skip_existing = arguments.skip_existing
    exports = None if missing_packages() else tuple(dict.fromkeys(arguments.export))
    if arguments.export and (missing := missing_packages(arguments.export)):
        problems.append(f"--export {' '.join(arguments.export)}: {missing}.")
    if ZARR in arguments.export:
        try:
            zarr_package()
        except UserError as error:
            problems += [f"--export {ZARR}: {problem}" for problem in error.problems]
    named, paths, unusable = model_and_images(arguments.arguments)
    problems += unusable
    model_problems, has_classes = list[str](), False
    if paths:
        try:
            model = load_model(named, arguments.device, arguments.precision)
            model_problems += known_diameter_problems(model, arguments.diameter)
            model_problems += level_problems(model, arguments.level, arguments.diameter)
            model_problems += worker_problems(arguments, model)
            has_classes = model.legend is not None  # a further picture of each image
        except UserError as error:
            model_problems += error.problems

    def to_predict(folder: Path) -> list[InputImage]:
        """The images whose results are to be written to a folder; raises where they cannot be."""
        again = unrecorded(inputs.images, folder) if skip_existing and exports is not None else set()
        images = [
            image
            for image in inputs.images
            if not skip_existing or image in again or not has_results(image, folder, classes=has_classes)
        ]
        if refused := result_problems(
            inputs,
            images,
            folder,
            overwrite=arguments.overwrite,
            skip_existing=skip_existing,
            exports=exports,
            classes=has_classes,
            again=again,
        ):
            raise UserError(refused)
        return images

    try:
        inputs = find_input_images(paths, is_result=is_result)
        to_predict(out)
    except UserError as error:
        problems += error.problems
    problems += model_problems
    if problems:
        raise UserError(problems)
    if arguments.threads is not None:
        set_num_threads(arguments.threads)
    with FolderLock(out, fresh=arguments.out is None, say=partial(say_item, print, "note")) as lock:
        out = lock.folder
        lock.sweep((out / image.name).parent for image in inputs.images)
        images = to_predict(out)  # once more, because another process may have written there until now
        announce_prediction(model, inputs, images)
        cells = None if exports is None else request_cells(arguments, model, exports)
        tables = None if exports is None else PredictionTables(out)
        threshold = MASK_THRESHOLD if arguments.threshold is None else arguments.threshold
        costs = ImageCosts(model, cells is not None, arguments.diameter, arguments.level)
        files = consecutive([image.path for image in images], arguments.batch_size)
        seen = [lock.path, *(image.path for image in images[:1])]
        workers = choose_workers(arguments, seen, partial(costs.of_tasks, files), model.device)
        work = PredictionWork(
            model,
            out,
            threshold,
            cells,
            arguments.diameter,
            arguments.level,
            neighbours=workers.neighbours,
            folder=folder_of(workers),
            shows_parts=isinstance(workers, OwnProcess),
        )
        result = predict_files(work, images, tables, workers, arguments.batch_size)
        code = announce_results(result, images, out, tables)
        if not arguments.no_report:
            # Without --out the results are in a new folder each time.
            again = arguments.out is not None and not skip_existing
            command = command_line("minunet.predict", typed, overwrite=again)
            from minunet.runs.prediction_report import write_prediction_report  # slow to import

            write_prediction_report(out, model, inputs.images, result, cells, tables, command, print)
        return code, prediction_document(out, model, result, tables)


def request_cells(arguments: Namespace, model: LoadedModel, exports: Sequence[str]) -> CellRequest:
    """What is to be done with cells, by the arguments and the model."""
    settings = model.cell_settings.at_threshold(arguments.threshold)
    if model.cell_choice is None:
        say_item(
            print,
            "note",
            "the model stores no settings of cells (it is a last.safetensors, of an older version, or was trained without the "
            "packages for cells): the defaults are used",
        )
    interval = model.cell_choice.interval if model.cell_choice else None
    return CellRequest(settings, interval, arguments.pixel_size, exports, model.legend)


def build_parser() -> Parser:
    """The command's arguments."""
    parser = Parser(
        prog="python -m minunet.predict",
        description="Predict for every pixel of an image whether it belongs to a cell, with a trained model.",
        epilog=EPILOG,
    )
    parser.add_argument(
        "arguments",
        metavar="[MODEL] PATH",
        type=path_text,
        nargs="+",
        help="a model: model.safetensors, the run folder that holds it, or the name pretrained; then images, folders of images, "
        "patterns such as 'smears/*.jpg'. Where the first is no model, the pretrained one is used, which comes with minunet",
    )
    parser.add_argument(
        "--out", metavar="DIR", type=file_path, help="folder of the results (default predictions/<time>)"
    )
    parser.add_argument(
        "--threshold",
        metavar="P",
        type=fraction,
        help="a pixel is cell where its probability is above P (default 0.5 for masks, and for cells what was best in "
        "validation; lower values find more cells)",
    )
    parser.add_argument(
        "--diameter",
        metavar="PX",
        type=cell_diameter,
        help="of the cells in the images, in their pixels: the images are resized so that cells are as large as the model knows "
        "them (default that which a model trained at one cell diameter, as the pretrained one, estimates image by image; others do "
        "not resize by it)",
    )
    parser.add_argument(
        "--level",
        metavar="N",
        type=pyramid_level,
        default=0,
        help="of a whole slide or an OME-Zarr: the size that is predicted, 0 for the largest (default), or auto for the smallest "
        "at which cells are as large as the model knows them. --diameter and --pixel-size are those of level 0",
    )
    add_json_flag(parser, "what was predicted")
    parser.add_argument(
        "--pixel-size",
        metavar="UM",
        type=micrometres,
        help="side of a pixel in micrometres, 0.01 to 20 (default what the file says, if it can be believed)",
    )
    parser.add_argument(
        "--export",
        choices=tuple(ENDINGS),
        metavar="KIND",
        nargs="+",
        default=[],
        help="also write cells for other programs: roi (ImageJ, Fiji), geojson (QuPath), coco, ome (OME-TIFF), zarr (OME-Zarr, "
        "with the image)",
    )
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument("--overwrite", action="store_true", help="replace results that exist already")
    existing.add_argument("--skip-existing", action="store_true", help="keep them, and predict only what is missing")
    add_report_flag(parser)
    add_worker_arguments(parser)
    parser.add_argument(
        "--batch-size",
        metavar="N",
        type=positive_int,
        default=1,
        help="images that go through the network together, if they have the same size there (default 1)",
    )
    add_machine_arguments(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
