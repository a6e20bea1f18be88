"""`python -m minunet.predict MODEL PATHS...`: masks, probabilities, products and overlays for images and whole folders.

Nothing that exists is overwritten unasked, one bad file does not stop the others, and what is done stays when it is stopped.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from minunet.checkpoints.model_file import load_model
from minunet.cli.argument_types import fraction
from minunet.cli.command import INTERRUPTED, command
from minunet.cli.console import FileBar, say_item
from minunet.cli.interruption import StopOnSignal
from minunet.cli.machine_arguments import add_machine_arguments
from minunet.cli.parser import Parser
from minunet.data.finding.input_images import InputFiles, InputImage, find_input_images
from minunet.data.reading.image_files import decode
from minunet.errors import UserError
from minunet.files.atomic import write_bytes
from minunet.files.folders import fresh_folder, mixing_problems, unwritable
from minunet.inference.predictor import LoadedModel
from minunet.kernels.cpu.threads import set_num_threads
from minunet.results.prediction import PICTURES, Prediction, is_result, result_files
from minunet.wording import count_noun, join_names

FAILED = 1
STOPPING = "Stopping after this image; what is done is kept. Ctrl-C again stops at once."
EPILOG = f"""\
for each image NAME, in the folder --out, sub-folders as in the folder given:
{chr(10).join(f"  NAME_{kind + '.png':<16} {what}" for kind, what in PICTURES.items())}
All have the image's own size, upright: a photo's EXIF orientation is applied.

PNG, JPEG, BMP and TIFF are read, 8 and 16 bit. Folders are searched with their
sub-folders; of a data set (images/ beside masks/, NAME_mask.png beside NAME.png)
only the images are taken; hidden files and earlier results are passed over. Where
folders share names their results get sub-folders; a.png beside a.jpg become a_png
and a_jpg.

examples:
  python -m minunet.predict runs/first smears
  python -m minunet.predict runs/first a.jpg b.tif --out results --threshold 0.4
  python -m minunet.predict runs/first smears --out results --skip-existing

exit code: 0 all done; 1 some images failed, they are listed and the others are done;
2 nothing was done because of a mistake in what was given; 130 stopped by Ctrl-C.
"""


@dataclass
class Outcome:
    """What became of the images."""

    done: list[InputImage] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    cells: int = 0  # pixels
    pixels: int = 0
    stopped: bool = False


@command
def main(argv: list[str] | None = None) -> int:
    """Predict what `argv` asks for; returns the exit code."""
    arguments, problems = _parser().parse_collecting(argv)
    out = fresh_folder("predictions") if arguments.out is None else arguments.out
    try:
        inputs = find_input_images(arguments.paths, is_result=is_result)
        images, finished = _divided(inputs.images, out, arguments.skip_existing)
        problems += _obstacles(inputs, images, out, arguments.overwrite, arguments.skip_existing)
    except UserError as error:
        problems += error.problems
    try:
        model = load_model(arguments.model, arguments.device, arguments.precision)
    except UserError as error:
        problems += error.problems
    if problems:
        raise UserError(problems)
    if arguments.threads is not None:
        set_num_threads(arguments.threads)
    _introduce(model, inputs, images, finished)
    outcome = predict_files(model, images, out, arguments.threshold)
    return _conclude(outcome, images, out)


def predict_files(model: LoadedModel, images: Sequence[InputImage], out: Path, threshold: float = 0.5) -> Outcome:
    """Write the pictures of every image; an image that fails is noted, and the next one is taken.

    Parameters
    ----------
    model : LoadedModel
    images : sequence of InputImage
    out : Path
        Folder of the results, made if missing.
    threshold : float
        Of the masks.

    Raises
    ------
    UserError
        Where the results cannot be written: every further image would fail for the same reason.
    """
    outcome = Outcome()

    def stop() -> None:
        outcome.stopped = True

    with StopOnSignal(stop, STOPPING), FileBar("predicting") as progress, ThreadPoolExecutor(len(PICTURES)) as writers:
        for number, image in enumerate(images):
            progress(number, len(images))
            if outcome.stopped:
                break
            try:
                pixels = decode(image.path, report=outcome.notes.append)
                prediction = Prediction(pixels, model.predict(pixels), threshold)
            except UserError as error:
                outcome.failures += error.problems
                continue
            except MemoryError:
                outcome.failures.append(f"{image.path} does not fit into memory: cut it into pieces or shrink it.")
                continue
            _write(prediction, out / image.name, writers)
            outcome.done.append(image)
            outcome.pixels += prediction.mask.size
            outcome.cells += int(prediction.mask.sum())
    return outcome


def _write(prediction: Prediction, stem: Path, writers: ThreadPoolExecutor) -> None:
    """Write the pictures of one image, side by side: packing them takes longer than the network does."""

    def write(kind: str, path: Path) -> None:
        write_bytes(path, prediction.png(kind), durable=False)

    list(writers.map(write, PICTURES, result_files(stem)))


def _parser() -> Parser:
    parser = Parser(
        prog="python -m minunet.predict",
        description="Say of every pixel of an image whether it belongs to a cell, with a trained model.",
        epilog=EPILOG,
    )
    parser.add_argument("model", metavar="MODEL", type=Path, help="model.safetensors, or the run folder that holds it")
    parser.add_argument("paths", metavar="PATH", type=Path, nargs="+", help="images and folders of images")
    parser.add_argument("--out", metavar="DIR", type=Path, help="folder of the results (default predictions/<time>)")
    parser.add_argument(
        "--threshold",
        metavar="P",
        type=fraction,
        default=0.5,
        help="a pixel is a cell where its probability is above (default 0.5; lower finds more)",
    )
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument("--overwrite", action="store_true", help="replace results that exist already")
    existing.add_argument("--skip-existing", action="store_true", help="keep them, and predict only what is missing")
    add_machine_arguments(parser)
    return parser


def _divided(images: list[InputImage], out: Path, skip: bool) -> tuple[list[InputImage], int]:
    """The images to predict, and how many are left out because their results are there."""
    if not skip:
        return images, 0
    missing = [image for image in images if not all(path.is_file() for path in result_files(out / image.name))]
    return missing, len(images) - len(missing)


def _obstacles(inputs: InputFiles, images: list[InputImage], out: Path, overwrite: bool, skip: bool) -> list[str]:
    """Why the results cannot be written, a sentence each."""
    if problem := unwritable(out):
        return [f"--out {out}: {problem}"]
    targets = [(path, image) for image in images for path in result_files(out / image.name)]
    data = [*(image.path for image in inputs.images), *inputs.masks]
    if problems := mixing_problems(out, [path for path, _ in targets], data):
        return problems
    present = dict.fromkeys(image.name for path, image in targets if path.exists())
    if present and not overwrite:
        remedy = (
            "these are incomplete: remove them, or replace them with --overwrite in place of --skip-existing."
            if skip
            else "add --skip-existing to keep them, --overwrite to replace them, or choose another folder."
        )
        return [f"--out {out}: results of {join_names(present, 3)} are there already; {remedy}"]
    return []


def _introduce(model: LoadedModel, inputs: InputFiles, images: list[InputImage], finished: int) -> None:
    say_item(print, "model", str(model.path), fold=False)
    say_item(print, "", model.summary())
    say_item(print, "images", f"{len(images)} to predict" + (f", {finished} done before" if finished else ""))
    for what, paths in (
        ("beside images", inputs.masks),
        ("earlier results", inputs.results),
        ("no images", inputs.others),
    ):
        if paths:
            names = join_names([path.name + "/" * path.is_dir() for path in paths], 3)
            say_item(print, "", f"passed over, {what}: {names}")


def _conclude(outcome: Outcome, images: list[InputImage], out: Path) -> int:
    for note in outcome.notes:
        say_item(print, "note", note)
    if outcome.done:
        share = 100 * outcome.cells / outcome.pixels
        say_item(print, "done", f"{count_noun(len(outcome.done), 'image')}; {share:.1f} % of the pixels are cells")
        say_item(print, "open", str(result_files(out / outcome.done[0].name)[-1]), fold=False)
    elif not images:
        say_item(print, "done", "nothing was left to do")
    sys.stdout.flush()
    if outcome.failures:
        print(f"error: {len(outcome.failures)} of {count_noun(len(images), 'image')} failed:", file=sys.stderr)
        for failure in outcome.failures:
            print(f"  - {failure}", file=sys.stderr)
    left = len(images) - len(outcome.done) - len(outcome.failures)
    if left:
        folder = shlex.quote(str(out))
        print(f"stopped with {left} left; to go on: the same with --out {folder} --skip-existing", file=sys.stderr)
        return INTERRUPTED
    return FAILED if outcome.failures else 0


if __name__ == "__main__":
    sys.exit(main())
