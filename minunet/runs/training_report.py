"""The report of a training: report.html in the run folder, made from the files of the run."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minunet.checkpoints.model_file import load_model
from minunet.cli.console import Say, duration, memory
from minunet.data.fitting_size import cell_size_warnings, size_warnings
from minunet.data.reading.pair_files import read_image
from minunet.errors import UserError
from minunet.files.json_files import is_finite_number
from minunet.inference.loaded_model import LoadedModel
from minunet.results.report.report_page import ReportPage, ReportSection, ReportWarning
from minunet.results.report.report_plots import ReportPlot, count_plots, curve_plots
from minunet.results.report.report_tables import report_table
from minunet.results.score_tables import csv_text
from minunet.runs.history_file import HistoryFile
from minunet.runs.layer_report import middle_layers_section
from minunet.runs.metrics_file import read_metrics
from minunet.runs.report_cases import ScoredImage, affordable_cases, cases_section, show_pair, worst_and_best
from minunet.runs.report_file import write_report
from minunet.runs.report_sections import (
    cell_facts,
    class_section,
    files_section,
    made_by,
    pixel_sentence,
    plots_section,
    reading_section,
    score_text,
    settings_facts,
    software_section,
    table_lines,
)
from minunet.runs.run_folder import CONTENTS, RunFolder
from minunet.runs.train_config import TrainConfig
from minunet.runs.training_commands import training_commands
from minunet.runs.training_data import TrainingData
from minunet.runs.warnings_file import read_warnings
from minunet.wording import count_noun

COMMAND = "minunet.train"
SCORES = {"dice": "Dice", "iou": "IoU", "precision": "precision", "recall": "recall", "accuracy": "accuracy"}


def write_training_report(folder: RunFolder, config: TrainConfig, data: TrainingData, say: Say) -> None:
    """Write the report of a run that is finished, and print its name.

    Parameters
    ----------
    folder : RunFolder
    config : TrainConfig
    data : TrainingData
    say : callable
        Takes each line of text.
    """
    write_report(folder.path, COMMAND, lambda: training_page(folder, config, data), say)


def training_page(folder: RunFolder, config: TrainConfig, data: TrainingData) -> ReportPage:
    """The page of a run that is finished."""
    metrics = read_metrics(folder.metrics, "test", "test_images", "best_epoch", "epochs")
    model = load_model(folder.model, config.device, config.precision)
    history = _history(folder)
    test = metrics["test"]
    split = data.split
    images = _usable(metrics["test_images"])
    count = len(images)
    return ReportPage(
        title=f"Training: {folder.path.resolve().name}",
        summary=[
            pixel_sentence(f"{count_noun(count, 'test image')}, never trained on", test),
            f"The best of {count_noun(metrics['epochs'], 'epoch')} is number {metrics['best_epoch']}: it is the one with the "
            f"best {'loss' if config.monitor == 'loss' else 'Dice'} on the validation images.",
        ],
        made=made_by(),
        warnings=[*_watched(folder), *map(ReportWarning, _data_warnings(config, data, model))],
        numbers=[(f"test {name}", score_text(test, key)) for key, name in SCORES.items()],
        sections=[
            ReportSection(
                "command",
                "What was done",
                paragraphs=["This trains again with the same settings and the same split:"],
                commands=training_commands(config),
                facts=_done(config, data, model, metrics),
            ),
            plots_section("curves", "Curves", lambda: curve_plots(history)),
            _cases(model, data, images),
            class_section(metrics.get("test_classes"), model.legend),
            _layers(model, data, images),
            ReportSection(
                "images",
                "Test images",
                table=report_table(io.StringIO(csv_text(images), newline=""), "test images", "metrics.json")
                if images
                else None,
            ),
            ReportSection(
                "epochs",
                "Epochs",
                table=report_table(table_lines(folder.history), "epochs", "history.csv") if history else None,
                folded=True,
            ),
            _cell_section(model, metrics),
            reading_section(model.preprocessing),
            ReportSection(
                "settings",
                "Settings",
                facts=[*settings_facts(_shown_settings(config)), *_sides(split.to_dict())],
                folded=True,
            ),
            files_section(folder.path, CONTENTS),
            software_section(folder.path, [folder.model, folder.split, folder.config, folder.history]),
        ],
    )


def _usable(images: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The scores of single images that have a name and a Dice, and the columns that the first of them has."""
    named = [row for row in images if isinstance(row.get("name"), str) and is_finite_number(row.get("dice"))]
    return [dict(row) for row in named if row.keys() == named[0].keys()]


def _done(
    config: TrainConfig, data: TrainingData, model: LoadedModel, metrics: Mapping[str, Any]
) -> list[tuple[str, str]]:
    split = data.split
    where = config.data or (f"{config.images} and {config.masks}" if config.images else "smears that minunet drew")
    sizes = ", ".join(f"{count} of {width}x{height}" for (width, height), count in data.sizes.most_common(5))
    facts = [
        ("data", where),
        ("images", f"{sizes}{' and others' if len(data.sizes) > 5 else ''}"),
        ("split", f"{len(split.train)} to train, {len(split.validation)} to validate, {len(split.test)} to test"),
        ("network", model.summary()),
        (
            "training",
            f"{count_noun(config.epochs, 'epoch')}, batches of {config.batch_size}, {config.loss} loss, rate up to {config.lr:g}, "
            f"{config.augment} augmentation, seed {config.seed}",
        ),
    ]
    measured: dict[str, Callable[[float], str]] = {"seconds": duration, "peak_memory_bytes": memory}
    for name, label in (("seconds", "time of the epochs"), ("peak_memory_bytes", "memory at the peak")):
        if is_finite_number(metrics.get(name)):
            facts.append((label, measured[name](metrics[name])))
    device = f"{metrics.get('device', 'cpu')}, {metrics.get('precision', 'fp32')}"
    if metrics.get("device") == "cpu" and isinstance(metrics.get("threads"), int):
        device += f", {count_noun(metrics['threads'], 'thread')}"
    return [*facts, ("device", device)]


def _cases(model: LoadedModel, data: TrainingData, scores: Sequence[Mapping[str, Any]]) -> ReportSection:
    """The pictures of the worst and the best test images."""
    pairs = {pair.name: pair for pair in data.split.test}
    sizes = {pair.pair.name: pair.size for pair in data.statistics}
    known = [image for image in scores if image["name"] in pairs]
    chosen = worst_and_best(known, affordable_cases(model, pairs, sizes))
    cases = [ScoredImage(word, image, show_pair(model, pairs[image["name"]])) for word, image in chosen]
    return cases_section(cases, f"of {count_noun(len(known), 'test image')}", model.legend)


def _layers(model: LoadedModel, data: TrainingData, scores: Sequence[Mapping[str, Any]]) -> ReportSection:
    """What the layers make of the test image with the best prediction."""
    pairs = {pair.name: pair for pair in data.split.test}
    known = [image for image in scores if image["name"] in pairs]
    if not known:
        return ReportSection("layers", "What the network sees")
    best = max(known, key=lambda image: image["dice"])["name"]
    return middle_layers_section(model, read_image(pairs[best]), best)


def _cell_section(model: LoadedModel, metrics: Mapping[str, Any]) -> ReportSection:
    """How cells are separated, and how well that worked on the validation images."""
    if model.cell_choice is None:
        return ReportSection("cells", "Cells")
    scores, interval = model.cell_choice.validation, model.cell_choice.interval
    return plots_section(
        "cells",
        "Cells of the validation images",
        lambda: _count_plots(metrics.get("cells")),
        facts=[
            *cell_facts(model.cell_settings, chosen=True),
            *((name.replace("_", " "), f"{value:.4g}") for name, value in scores.items()),
            *(
                []
                if interval is None
                else [("90 % interval of a count of 100", "{:.0f} to {:.0f}".format(*interval.of(100)))]
            ),
        ],
    )


def _count_plots(stored: Any) -> list[ReportPlot]:
    """The predicted over the true number of cells; none for runs of older versions, which did not store them."""
    counts = stored.get("validation_counts") if isinstance(stored, dict) else None
    pairs = [pair for pair in counts if isinstance(pair, list)] if isinstance(counts, list) else []
    usable = [pair for pair in pairs if len(pair) == 2 and all(map(is_finite_number, pair))]
    return count_plots([true for true, _ in usable], [predicted for _, predicted in usable]) if usable else []


def _watched(folder: RunFolder) -> list[ReportWarning]:
    """The warnings of the training itself."""
    try:
        return [ReportWarning(warning.message, f"epoch {warning.epoch}") for warning in read_warnings(folder.warnings)]
    except UserError as error:
        return list(map(ReportWarning, error.problems))


def _data_warnings(config: TrainConfig, data: TrainingData, model: LoadedModel) -> list[str]:
    """The warnings that were printed before the training."""
    warnings = list(data.warnings)
    if config.size is not None:
        least = 2**config.depth
        warnings += size_warnings(config.size, data.sizes, least=least)
        if model.training_images is not None:
            warnings += cell_size_warnings(model.training_images.cell_diameter, config.size, data.sizes, least=least)
    return warnings


def _history(folder: RunFolder) -> list[dict[str, Any]]:
    try:
        return [record.to_dict() for record in HistoryFile(folder.history).read()]
    except UserError:  # a file that someone else changed; the report does without it
        return []


def _shown_settings(config: TrainConfig) -> dict[str, Any]:
    """All settings but those that the report shows in a section of their own."""
    return {name: value for name, value in config.to_dict().items() if name not in ("reading", "image_range")}


def _sides(names: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    return [(f"images of the side {side}", ", ".join(listed)) for side, listed in names.items()]
