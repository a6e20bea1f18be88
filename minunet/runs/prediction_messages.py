"""The messages of a prediction on the command line: which images are predicted, and what came out of them."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from minunet.cell_packages import missing_packages
from minunet.cli.command import INTERRUPTED, print_folded, report
from minunet.cli.console import say_item
from minunet.data.finding.input_images import InputFiles, InputImage
from minunet.inference.loaded_model import LoadedModel
from minunet.results.prediction import result_files
from minunet.runs.cell_results import cell_files
from minunet.runs.model_messages import announce_model, describe_diameters
from minunet.runs.prediction_run import PredictedImages
from minunet.runs.prediction_tables import TABLES, PredictionTables
from minunet.wording import count_noun, join_names, paragraph

FAILED = 1  # exit code: some images failed, and the others are done


def announce_prediction(model: LoadedModel, inputs: InputFiles, images: Sequence[InputImage]) -> None:
    """Print the model, and which files are images to predict and which are not."""
    finished = len(inputs.images) - len(images)
    announce_model(print, model)
    say_item(print, "images", f"{len(images)} to predict" + (f", {finished} done before" if finished else ""))
    for reason, paths in (
        ("beside images", inputs.masks),
        ("earlier results", inputs.results),
        ("no images", inputs.others),
    ):
        if paths:
            names = join_names([path.name + "/" * os.path.isdir(path) for path in paths], 3)
            say_item(print, "", f"left out, {reason}: {names}")


def announce_results(
    result: PredictedImages, images: Sequence[InputImage], out: Path, tables: PredictionTables | None
) -> int:
    """Print what was done, what failed and how to go on; returns the exit code. `tables` is None where cells are not found."""
    for note in result.notes:
        say_item(print, "note", note)
    for predicted in result.done:
        if predicted.unlike:
            say_item(print, "unlike", f"{predicted.image.name}: {paragraph(predicted.unlike)}")
    for predicted in result.done:
        if predicted.levels:
            say_item(print, "level", f"{predicted.image.name}: {predicted.levels}")
    if sizes := describe_diameters([predicted.diameter for predicted in result.done if predicted.diameter]):
        say_item(print, "size", sizes)
    if result.done:
        unlike = sum(bool(predicted.unlike) for predicted in result.done)
        say_item(
            print,
            "done",
            f"{count_noun(len(result.done), 'image')}; {100 * result.cell_share:.1f} % of the pixels are cells",
            *([f"{unlike} of them to look at first, see above"] if unlike else []),
        )
        stem = out / result.done[0].image.name
        numbered = [path for path in cell_files(stem) if path.suffix == ".png" and path.is_file()]
        say_item(print, "open", *map(str, [result_files(stem)[-1], *numbered]), fold=False)
    elif not images:
        say_item(print, "done", "nothing was left to do")
    if tables is None:
        say_item(print, "cells", missing_packages() or "")
    elif tables.images():
        say_item(print, "cells", *tables.summary())
        say_item(print, "", *(str(out / name) for name in TABLES), fold=False)
    sys.stdout.flush()
    if result.failures:
        report(result.failures, f"{len(result.failures)} of {count_noun(len(images), 'image')} failed")
    left = len(images) - len(result.done) - len(result.failures)
    if left:
        folder = shlex.quote(str(out))
        print_folded(f"stopped with {left} left; to go on: the same with --out {folder} --skip-existing")
        return INTERRUPTED if result.signal is None else 128 + result.signal
    return FAILED if result.failures else 0
