# PYTHON_ARGCOMPLETE_OK
"""`python -m minunet.evaluate MODEL DATA`: the scores of a trained model on images with known masks.

Images that the model was trained on are left out unless --side selects them, and the output says which were scored.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from functools import partial
from typing import Any

from minunet.cell_packages import missing_packages
from minunet.checkpoints.model_file import load_model
from minunet.cli.argument_types import cell_diameter, file_path, fraction, positive_int
from minunet.cli.command import command_of_ranks
from minunet.cli.console import FileProgressBar, say_item
from minunet.cli.json_output import add_json_flag, run_with_json
from minunet.cli.machine_arguments import add_machine_arguments
from minunet.cli.model_argument import add_model_argument
from minunet.cli.parser import Parser
from minunet.data.pairs import Pair, survey
from minunet.errors import UserError
from minunet.files.lock import FolderLock
from minunet.inference.evaluation import is_scored_alone
from minunet.inference.evaluation_reading import model_for_masks
from minunet.inference.loaded_model import LoadedModel
from minunet.kernels.cpu.threads import set_num_threads
from minunet.results.cell_table import cell_score_table
from minunet.results.class_table import class_table
from minunet.results.score_tables import image_table, summary_table
from minunet.runs.evaluation_messages import announce_evaluation
from minunet.runs.evaluation_report import write_evaluation_report
from minunet.runs.evaluation_run import EVALUATION_CONTENTS, evaluation_numbers, evaluation_problems, write_evaluation
from minunet.runs.image_costs import SCORES, ImageCosts
from minunet.runs.mask_flags import add_mask_flags, mask_choice
from minunet.runs.model_messages import describe_diameters, known_diameter_problems
from minunet.runs.own_data import own_data
from minunet.runs.provenance import SIDE_CHOICES, Provenance, select_pairs
from minunet.runs.report_file import add_report_flag, command_line
from minunet.runs.run_folder import given_as_images
from minunet.runs.scoring_work import ScoringWork, score_files
from minunet.runs.setting_flags import SETTING_FLAGS, add_skip_unpaired
from minunet.runs.worker_choice import add_worker_arguments, choose_workers, folder_of, worker_problems
from minunet.wording import paragraph
from minunet.workers.tasks import consecutive

COMMAND = "python -m minunet.evaluate MODEL DATA"
OWN = "python -m minunet.evaluate RUN"
EPILOG = f"""\
the numbers:
  Dice, IoU        overlap of prediction and mask, 2 TP / (2 TP + FP + FN) and
                   TP / (TP + FP + FN)
  accuracy         share of pixels that are right
  trivial          the same score of the better of two answers that need no image,
                   everything cell and everything background
  Keras accuracy   share of pixels whose rounded prediction equals the mask's value,
                   so that a grey mask pixel never counts as right
  loss             binary cross-entropy
"all pixels" pools the pixels of all images, so that large images weigh more.

cells, always at the images' own size: those of the mask by its numbers, or else its
connected regions; those of the prediction by a watershed (docs/cells.md)
  F1, AP           2 TP / (2 TP + FP + FN) and TP / (TP + FP + FN), where TP counts cells
                   whose intersection over union with a true cell is at least 0.5 to 0.9
  panoptic quality, AJI     both also measure how well the shapes agree
  count error      mean of |predicted - true| / true, over the images
  splits, merges   true cells in several pieces; predicted cells that are several

which images: a run's split.json beside the model says what it was trained on. By
default only images it has not seen are scored: its test images, and any that were not
in the run. Images are recognised by content, so that a copy under another name counts
as seen. Without a split.json the folders train/, validation/ and test/ of DATA decide.

The masks are read as those of the training were, which the model stores; where they do
not fit that reading, or with --cell, --ignore or --invert-masks, by what is said. For a
model with classes a table has the scores of each; --classes says which value is which
class where the masks are stored otherwise.

An image that is unlike those that the model was trained on (tones, sharpness, size of
what is in it, colours), or that comes out as all cell or no cell, is marked "unlike",
and a line says how.

files in --out:
{chr(10).join(f"  {name:<15}{what}" for name, what in EVALUATION_CONTENTS.items())}

examples:
  python -m minunet.evaluate runs/first                  its own test images
  python -m minunet.evaluate runs/first smears
  python -m minunet.evaluate pretrained smears
  python -m minunet.evaluate runs/first smears --side all --out scores
  python -m minunet.evaluate model.safetensors --images a --masks b --native
"""


NO_CLASSES = "the masks are read as cell and background, so that the classes of the model are not scored"


@command_of_ranks
def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return run_with_json(argv, score_images)


def score_images(typed: Sequence[str]) -> tuple[int, dict[str, Any]]:
    """Do what the arguments ask for; returns the exit code, and the document of --json."""
    arguments, problems = build_parser().parse_collecting(typed)
    out = arguments.out
    pairs: list[Pair] = []
    notes: list[str] = []
    try:
        model = load_model(arguments.model, arguments.device, arguments.precision)
        problems += known_diameter_problems(model, arguments.diameter)
        problems += worker_problems(arguments, model)
    except UserError as error:
        problems += error.problems
    if no_images := given_as_images(arguments.data, f"give the data, or leave them out for its own: {OWN}"):
        raise UserError([*problems, *no_images])
    try:
        if arguments.data is None and arguments.images is None and arguments.masks is None:
            own = own_data(arguments.model, COMMAND)
            arguments.data, arguments.images, arguments.masks = own.data, own.images, own.masks
            arguments.skip_unpaired = arguments.skip_unpaired or own.skip_unpaired
            arguments.side = arguments.side or "test"
        found = survey(
            arguments.data,
            images=arguments.images,
            masks=arguments.masks,
            skip_unpaired=bool(arguments.skip_unpaired),
            contents=False,
        )
        pairs, notes = list(found.require().pairs), list(found.notes)
    except UserError as error:
        problems += error.problems
    if out is not None:
        problems += evaluation_problems(out, pairs, arguments.overwrite)
    if problems:
        raise UserError(problems)
    if arguments.threads is not None:
        set_num_threads(arguments.threads)
    if out is None:
        return 0, run_evaluation(arguments, model, pairs, notes, typed)
    with FolderLock(out, say=partial(say_item, print, "note")) as lock:
        lock.sweep()
        # Once more, because another process may have written there until now.
        if problems := evaluation_problems(out, pairs, arguments.overwrite):
            raise UserError(problems)
        return 0, run_evaluation(arguments, model, pairs, notes, typed)


def run_evaluation(
    arguments: Namespace, model: LoadedModel, pairs: list[Pair], notes: list[str], typed: Sequence[str]
) -> dict[str, Any]:
    """Score, print, and write the files where --out names a folder; returns the numbers. `typed` is the command line."""
    out, native = arguments.out, arguments.native or arguments.diameter is not None
    record = Provenance(arguments.split) if arguments.split else Provenance.beside(model.path)
    selected = select_pairs(pairs, record, arguments.side)
    data = arguments.data or arguments.images
    warnings = announce_evaluation(print, data, model, selected, pairs, native=native)
    for note in notes:
        say_item(print, "note", note)
    with FileProgressBar("checking") as progress:
        model, of_files = model_for_masks(model, selected.pairs, mask_choice(arguments, COMMAND), progress)
    for warning in of_files:
        say_item(print, "warning", warning)
    warnings += of_files
    if model.preprocessing.reading is not None:
        say_item(print, "masks", model.preprocessing.reading.describe())
    missing = missing_packages()
    costs = ImageCosts(model, not missing, arguments.diameter, per_pixel=SCORES)
    alone = is_scored_alone(model, native=native, diameter=arguments.diameter)
    groups = consecutive(selected.pairs, 1 if alone else arguments.batch_size)
    files = [[pair.image for pair in group] for group in groups]
    seen = [pair.image for pair in selected.pairs[:1]]
    workers = choose_workers(arguments, seen, partial(costs.of_tasks, files), model.device)
    work = ScoringWork(model, not missing, native, arguments.diameter, arguments.threshold, folder_of(workers))
    scored = score_files(work, groups, workers)
    scores, unlike, diameters = scored.scores, scored.unlike, scored.diameters
    for note in scored.notes:
        say_item(print, "note", note)
    print("", *summary_table(scores.pixels), "", *image_table(scores.pixels, unlike), "", sep="\n")
    if (classes := scores.classes) is not None:
        print(*class_table(classes.result(), classes.legend, classes.pixels.mean_dice()), "", sep="\n")
    elif model.legend is not None:
        say_item(print, "classes", NO_CLASSES)
    if scores.cells is not None:
        print(*cell_score_table(scores.cells), "", sep="\n")
    else:
        say_item(print, "cells", missing or "")
    if arguments.diameter is None and (sizes := describe_diameters(list(diameters.values()))):
        say_item(print, "size", sizes)
    for name, sentences in unlike.items():
        if sentences:
            say_item(print, "unlike", f"{name}: {paragraph(sentences)}")
    numbers = evaluation_numbers(model, data, selected, scores, native, unlike, diameters)
    if out is None:
        say_item(print, "keep", "--out DIR writes these numbers and a picture of the worst and best images")
    else:
        images = write_evaluation(out, numbers, model, selected, diameters, arguments.threshold)
        if not arguments.no_report:
            command = command_line("minunet.evaluate", typed, overwrite=True)
            write_evaluation_report(out, model, images, scores.cells, command, warnings, print)
        say_item(print, "open", str(out / "cases.png"), str(out / "per_image.csv"), fold=False)
    return {**numbers, "warnings": warnings}


def build_parser() -> Parser:
    """The command's arguments."""
    parser = Parser(
        prog="python -m minunet.evaluate",
        description="Score a trained model on images whose masks are known.",
        epilog=EPILOG,
    )
    add_model_argument(parser)
    parser.add_argument(
        "data",
        metavar="DATA",
        type=file_path,
        nargs="?",
        help="folder with images and masks (default of a run folder its own data, of which the test images are scored)",
    )
    parser.add_argument("--images", metavar="DIR", type=file_path, help=SETTING_FLAGS["images"].help)
    parser.add_argument("--masks", metavar="DIR", type=file_path, help=SETTING_FLAGS["masks"].help)
    add_mask_flags(parser)
    add_skip_unpaired(parser)
    parser.add_argument(
        "--side",
        choices=SIDE_CHOICES,
        help="which images (default unseen: all but those used for training or validation; test where DATA is left out)",
    )
    parser.add_argument(
        "--split",
        metavar="RUN",
        type=file_path,
        help="split.json or its run folder (default the one beside the model)",
    )
    parser.add_argument(
        "--threshold",
        metavar="P",
        type=fraction,
        help="a pixel is predicted as cell where its probability is above P (default 0.5 for pixels, and for cells what was "
        "best in validation)",
    )
    parser.add_argument(
        "--native", action="store_true", help="score at the images' own size, not at that of the model's input"
    )
    parser.add_argument(
        "--diameter",
        metavar="PX",
        type=cell_diameter,
        help="of the cells in the images, in their pixels: they are resized so that cells are as large as the model knows them, "
        "and scored at their own size (default that which a model trained at one cell diameter estimates)",
    )
    parser.add_argument(
        "--out", metavar="DIR", type=file_path, help="folder for the numbers and pictures (default none)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the files of an earlier evaluation in --out")
    parser.add_argument(
        "--batch-size", metavar="N", type=positive_int, default=8, help="images predicted together (default 8)"
    )
    add_json_flag(parser, "every number")
    add_report_flag(parser)
    add_worker_arguments(parser)
    add_machine_arguments(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
