"""An evaluation run: the files that `python -m minunet.evaluate` writes, and whether a folder can be used for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from minunet.data.pairs import Pair
from minunet.data.reading.pair_files import mask_files
from minunet.files.atomic_write import write_bytes, write_text
from minunet.files.folders import results_problems
from minunet.files.json_files import write_json
from minunet.inference.cell_evaluation import CellEvaluation
from minunet.inference.evaluation import predict_pair
from minunet.inference.loaded_model import LoadedModel
from minunet.inference.metrics import THRESHOLD
from minunet.inference.scored_pairs import ScoredPairs
from minunet.results.figures import PredictionRow, prediction_grid
from minunet.results.picture import png_bytes
from minunet.results.score_tables import csv_text, worst_first
from minunet.runs.provenance import SelectedPairs
from minunet.runs.report_cases import ScoredImage, shrink, worst_and_best
from minunet.runs.run_folder import RunFolder
from minunet.wording import count_noun, paragraph

EVALUATION_CONTENTS = {
    "report.html": "all of it to look at in a browser",
    "metrics.json": "every number",
    "per_image.csv": "a row per image, the worst Dice first",
    "cases.png": "the worst and the best images: mask, prediction, product",
}


def evaluation_problems(out: Path, pairs: Sequence[Pair], overwrite: bool) -> list[str]:
    """The reasons why the files cannot be written to a folder, a sentence each.

    Parameters
    ----------
    out : Path
    pairs : sequence of Pair
        The data, beside which no results are written.
    overwrite : bool
        Whether files of an earlier evaluation may be replaced.
    """
    if RunFolder(out).is_run():
        return [f"--out {out}: this folder holds a run, with a metrics.json of its own; choose another folder."]
    data = [file for pair in pairs for file in (pair.image, *mask_files(pair))]
    return results_problems(out, EVALUATION_CONTENTS, data, overwrite)


def write_evaluation(
    out: Path,
    numbers: dict[str, Any],
    model: LoadedModel,
    selected: SelectedPairs,
    diameters: Mapping[str, float] = MappingProxyType({}),
    threshold: float | None = None,
) -> list[ScoredImage]:
    """Write the files of an evaluation, but for the report.

    Parameters
    ----------
    out : Path
    numbers : dict
        From `evaluation_numbers`.
    model : LoadedModel
    selected : SelectedPairs
    diameters : mapping of str to float
    threshold : float, optional
        That the user gave: the pictures show which pixels are above it. None: they show the probabilities, and 0.5 decides.

    Returns
    -------
    list of ScoredImage
        The worst and the best images, for the report.
    """
    write_json(out / "metrics.json", numbers)
    write_text(out / "per_image.csv", csv_text(numbers["images"]))
    return _write_cases(out / "cases.png", model, selected.pairs, numbers["images"], diameters, threshold)


def evaluation_numbers(
    model: LoadedModel,
    data: Path,
    selected: SelectedPairs,
    scores: ScoredPairs,
    native: bool,
    unlike: Mapping[str, Sequence[str]] = MappingProxyType({}),
    diameters: Mapping[str, float] = MappingProxyType({}),
) -> dict[str, Any]:
    """Every number of an evaluation, as in metrics.json.

    Parameters
    ----------
    model : LoadedModel
    data : Path
        The folder that the user gave.
    selected : SelectedPairs
    scores : ScoredPairs
    native : bool
        Whether the images were scored at their own size.
    unlike : mapping of str to sequence of str
        For each image how it differs from the training images, as sentences.
    diameters : mapping of str to float
        For each image that was resized by it, the diameter of its cells in its own pixels.
    """
    of_cells, totals = scores.cells_of_images(), scores.totals()
    if scores.cells is not None:
        totals["cells"] |= _how_scored(scores.cells, model)
    images = [
        {
            **image,
            "side": selected.sides[image["name"]],
            **of_cells.get(image["name"], {}),
            **({"cell_diameter": diameters[image["name"]]} if image["name"] in diameters else {}),
            "unlike": paragraph(unlike.get(image["name"], ())),
        }
        for image in worst_first(scores.pixels)
    ]
    return {
        "model": str(model.path),
        "data": str(data),
        "split": selected.source,
        "scale": "native" if native or model.preprocessing.size is None else model.preprocessing.size,
        "threshold": scores.pixels.threshold,
        "count": len(images),
        "sides": Counter(image["side"] or "not in the run" for image in images),
        **totals,
        "images": images,
    }


def _how_scored(cells: CellEvaluation, model: LoadedModel) -> dict[str, Any]:
    """How the cells were found, and which ones they were compared with."""
    return {
        "images": len(cells.scores),
        "masks_with_numbers": cells.numbered,
        **cells.diameters.medians(),
        "counts_in_their_interval": cells.covered,
        "settings": (cells.settings or model.cell_settings).to_dict(),
        "settings_are_defaults": model.cell_choice is None,
    }


def _write_cases(
    path: Path,
    model: LoadedModel,
    pairs: Sequence[Pair],
    images: list[dict[str, Any]],
    diameters: Mapping[str, float],
    threshold: float | None,
) -> list[ScoredImage]:
    """Write a PNG of the worst and the best of the images; returns them for the report."""
    by_name = {pair.name: pair for pair in pairs}
    rows, cases = [], []
    for word, scores in worst_and_best(images):
        pair = by_name[scores["name"]]
        predicted = predict_pair(model, pair, diameters.get(pair.name), THRESHOLD if threshold is None else threshold)
        image, mask, probability, classes, _ = predicted
        shown = probability if threshold is None else probability > threshold
        caption = f"{word}: {pair.name}, Dice {scores['dice']:.3f}, IoU {scores['iou']:.3f}"
        rows.append(PredictionRow(model.preprocessing.display(image), mask[..., 0], shown, caption, classes))
        cases.append(ScoredImage(word, scores, shrink(model, pair.name, predicted)))
    heading = f"the worst and the best of {count_noun(len(images), 'image')}"
    if threshold is not None:
        heading += f"; cell where the probability is above {threshold:g}"
    write_bytes(path, png_bytes(prediction_grid(rows, heading=heading)))
    return cases
