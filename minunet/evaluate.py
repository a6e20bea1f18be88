"""`python -m minunet.evaluate MODEL DATA`: how good a trained model is on images whose masks are known.

Images the model was trained on are left out unless asked for, and the output says which were scored.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

from minunet.checkpoints.model_file import load_model
from minunet.cli.argument_types import positive_int
from minunet.cli.command import command
from minunet.cli.console import FileBar, say_item
from minunet.cli.machine_arguments import add_machine_arguments
from minunet.cli.parser import Parser
from minunet.data.pairs import Pair, check_pairs, find_pairs
from minunet.errors import UserError
from minunet.files.atomic import write_bytes, write_text
from minunet.files.folders import mixing_problems, unwritable
from minunet.files.json_files import write_json
from minunet.inference.evaluation import evaluate, predict_pair
from minunet.inference.metrics import SegmentationMetrics
from minunet.inference.predictor import LoadedModel
from minunet.kernels.cpu.threads import set_num_threads
from minunet.results.figures import PredictionRow, prediction_grid
from minunet.results.picture import png_bytes
from minunet.results.score_tables import csv_text, image_table, summary_table, worst_first
from minunet.runs.provenance import CHOICES, Provenance, Selection, in_words, select
from minunet.runs.run_folder import RunFolder
from minunet.wording import count_noun, join_names

LEARNT_FROM = ("train", "validation")
FILES = {
    "metrics.json": "every number",
    "per_image.csv": "a row per image, the worst Dice first",
    "cases.png": "the worst and the best images: mask, prediction, product",
}
CASES = 3  # worst and best images in the picture, each
EPILOG = f"""\
the numbers:
  Dice, IoU        overlap of prediction and mask, 2 TP / (2 TP + FP + FN) and
                   TP / (TP + FP + FN)
  accuracy         share of pixels that are right; compare it with the line below it,
                   the accuracy of calling every pixel background
  Keras accuracy   share of pixels whose rounded prediction equals the mask's value,
                   so that a grey mask pixel never counts as right
  loss             binary cross-entropy
"all pixels" pools the pixels of all images, so that large images weigh more.

which images: a run's split.json beside the model says what it was trained on. By
default only images it has not seen are scored: its test images, and any that were not
in the run. Images are recognised by content, so that a copy under another name counts
as seen. Without a split.json the folders train/, validation/ and test/ of DATA tell.

what --out gets:
{chr(10).join(f"  {name:<15}{what}" for name, what in FILES.items())}

examples:
  python -m minunet.evaluate runs/first smears
  python -m minunet.evaluate runs/first smears --side all --out scores
  python -m minunet.evaluate model.safetensors --images a --masks b --native
"""


@command
def main(argv: list[str] | None = None) -> int:
    """Evaluate what `argv` asks for; returns the exit code."""
    arguments, problems = _parser().parse_collecting(argv)
    problems += _obstacles(arguments)
    try:
        model = load_model(arguments.model, arguments.device, arguments.precision)
    except UserError as error:
        problems += error.problems
    try:
        pairs = find_pairs(arguments.data, images=arguments.images, masks=arguments.masks)
        if arguments.out is not None:
            data = [file for pair in pairs for file in (pair.image, pair.mask)]
            problems += mixing_problems(arguments.out, [arguments.out / name for name in FILES], data)
    except UserError as error:
        problems += error.problems
    if problems:
        raise UserError(problems)
    if arguments.threads is not None:
        set_num_threads(arguments.threads)
    record = Provenance(arguments.split) if arguments.split else Provenance.beside(model.path)
    selection = select(pairs, record, arguments.side)
    _introduce(arguments, model, selection, pairs)
    with FileBar("checking") as progress:
        warnings = check_pairs(selection.pairs, progress=progress)
    for warning in warnings:
        say_item(print, "warning", warning)
    metrics = _scored(arguments, model, selection)
    print("", *summary_table(metrics), "", *image_table(metrics), "", sep="\n")
    if arguments.out is None:
        say_item(print, "keep", "--out DIR writes these numbers and a picture of the worst and best images")
    else:
        _write(arguments, model, selection, metrics)
        say_item(print, "open", str(arguments.out / "cases.png"), str(arguments.out / "per_image.csv"), fold=False)
    return 0


def _parser() -> Parser:
    parser = Parser(
        prog="python -m minunet.evaluate",
        description="Score a trained model on images whose masks are known.",
        epilog=EPILOG,
    )
    parser.add_argument("model", metavar="MODEL", type=Path, help="model.safetensors, or the run folder that holds it")
    parser.add_argument("data", metavar="DATA", type=Path, nargs="?", help="folder with images and masks")
    parser.add_argument("--images", metavar="DIR", type=Path, help="folder of the images, in place of DATA")
    parser.add_argument("--masks", metavar="DIR", type=Path, help="folder of the masks, in place of DATA")
    parser.add_argument(
        "--side", choices=CHOICES, help="which images (default unseen: all but those trained on or validated with)"
    )
    parser.add_argument(
        "--split", metavar="RUN", type=Path, help="split.json or its run folder (default: what lies beside the model)"
    )
    parser.add_argument(
        "--native", action="store_true", help="score at the images' own size, not at the one the model works at"
    )
    parser.add_argument("--out", metavar="DIR", type=Path, help="folder for the numbers and pictures (default: none)")
    parser.add_argument("--overwrite", action="store_true", help="replace what an earlier evaluation left in --out")
    parser.add_argument(
        "--batch-size", metavar="N", type=positive_int, default=8, help="images predicted together (default 8)"
    )
    add_machine_arguments(parser)
    return parser


def _obstacles(arguments: Any) -> list[str]:
    """Why --out cannot take the files, a sentence each."""
    out = arguments.out
    if out is None:
        return []
    if problem := unwritable(out):
        return [f"--out {out}: {problem}"]
    if RunFolder(out).is_run():
        return [f"--out {out}: this folder holds a run, with a metrics.json of its own; choose another folder."]
    present = [name for name in FILES if (out / name).exists()]
    if present and not arguments.overwrite:
        verb = "is" if len(present) == 1 else "are"
        return [f"--out {out}: {join_names(present)} {verb} there already; add --overwrite, or choose another folder."]
    return []


def _introduce(arguments: Any, model: LoadedModel, selection: Selection, pairs: list[Pair]) -> None:
    """Say what is scored, and above all whether the model was trained on it."""
    say_item(print, "model", str(model.path), fold=False)
    say_item(print, "", model.summary())
    say_item(print, "data", str(arguments.data or arguments.images), fold=False)
    scored = {pair.name: selection.sides[pair.name] for pair in selection.pairs}
    left_out = {pair.name: selection.sides[pair.name] for pair in pairs if pair.name not in scored}
    of = f" of {len(pairs)}" if left_out else ""
    what = f": {in_words(scored)}" if selection.source else ""
    say_item(print, "scored", f"{len(scored)}{of} {'image' if len(pairs) == 1 else 'images'}{what}")
    if left_out:
        say_item(print, "", f"left out: {in_words(left_out)}")
    if selection.source is None:
        say_item(
            print,
            "warning",
            "no split.json lies beside the model (--split names one): if it was trained on these images, the numbers "
            "below flatter it",
        )
    else:
        say_item(print, "", f"(by {selection.source})", fold=False)
    learnt = Counter(side for side in scored.values() if side in LEARNT_FROM)
    if learnt:
        share = "" if learnt.total() == len(scored) else f"{learnt.total()} of "
        say_item(print, "warning", f"{share}these images shaped the model: THESE ARE NO TEST NUMBERS")
    size = model.preprocessing.size
    if arguments.native or size is None:
        say_item(print, "scale", "the images' own")
    else:
        say_item(print, "scale", f"{size[0]}x{size[1]}, which the model works at (--native: the images' own)")


def _scored(arguments: Any, model: LoadedModel, selection: Selection) -> SegmentationMetrics:
    with FileBar("scoring") as progress:
        done = 0

        def advance(count: int) -> None:
            nonlocal done
            done += count
            progress(done, len(selection.pairs))

        return evaluate(
            model, selection.pairs, native=arguments.native, batch_size=arguments.batch_size, advance=advance
        )


def _write(arguments: Any, model: LoadedModel, selection: Selection, metrics: SegmentationMetrics) -> None:
    """The files of --out."""
    images = [{**image, "side": selection.sides[image["name"]]} for image in worst_first(metrics)]
    numbers = {
        "model": str(model.path),
        "data": str(arguments.data or arguments.images),
        "split": selection.source,
        "scale": "native" if arguments.native or model.preprocessing.size is None else model.preprocessing.size,
        "count": len(images),
        "sides": Counter(image["side"] or "not in the run" for image in images),
        "all_pixels": metrics.result(),
        "mean_over_images": metrics.mean(),
        "images": images,
    }
    write_json(arguments.out / "metrics.json", numbers)
    write_text(arguments.out / "per_image.csv", csv_text(images))
    write_bytes(arguments.out / "cases.png", _cases(model, selection, images))


def _cases(model: LoadedModel, selection: Selection, images: list[dict[str, Any]]) -> bytes:
    """A PNG of the worst and the best images."""
    pairs = {pair.name: pair for pair in selection.pairs}
    count = min(CASES, (len(images) + 1) // 2)
    worst, best = images[:count], images[count:][-CASES:]
    rows = [
        PredictionRow(
            *predict_pair(model, pairs[image["name"]]),
            f"{rank}: {image['name']}, Dice {image['dice']:.3f}, IoU {image['iou']:.3f}",
        )
        for group, name in ((worst, "worst"), (best[::-1], "best"))
        for rank, image in ((f"{name} {number}", image) for number, image in enumerate(group, start=1))
    ]
    return png_bytes(prediction_grid(rows, heading=f"the worst and the best of {count_noun(len(images), 'image')}"))


if __name__ == "__main__":
    sys.exit(main())
