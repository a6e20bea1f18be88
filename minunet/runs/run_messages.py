"""The lines that a training run prints: before it starts, when it stops, and at the end."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from typing import Any

from minunet.cells.cell_choice import CellChoice
from minunet.cli.console import Say, duration, memory, say_commands, say_item
from minunet.data.fitting_size import cell_size_warnings, size_warnings
from minunet.data.reading.channels import describe_channels
from minunet.data.training_images import TrainingImages
from minunet.fused.step_plan import StepPlan
from minunet.inference.mask_limits import MaskLimits
from minunet.inference.metrics import trivial_accuracy, trivial_dice
from minunet.kernels.backend import free_device_memory
from minunet.kernels.cpu.blas import why_matmul_is_slow
from minunet.ranks import Ranks
from minunet.resources import available_memory
from minunet.runs.memory_limit import rounded_down
from minunet.runs.memory_plan import resident_memory
from minunet.runs.run_folder import RunFolder
from minunet.runs.train_config import TrainConfig
from minunet.runs.training_data import TrainingData
from minunet.training.events import TrainingProgress
from minunet.wording import count_noun, join_names

CONNECTED_REGIONS = (
    "the masks do not number their cells: cells that touch there count as one, so that a model that separates them seems to "
    "find too many"
)


def announce_data(say: Say, config: TrainConfig, folder: RunFolder, data: TrainingData, learned: str) -> None:
    """The images, their split, how they are prepared, and what is learned of them, in words."""
    split, sizes = data.split, data.sizes
    where = f"drawn by minunet: {folder.synthetic}" if config.drawn else str(config.data or config.images)
    listed = ", ".join(f"{count} of {width}x{height}" for (width, height), count in sizes.most_common(3))
    if len(sizes) == 1:
        listed = f"all {'x'.join(map(str, next(iter(sizes))))}"
    more = f" and {count_noun(len(sizes) - 3, 'other size')}" if len(sizes) > 3 else ""
    say_item(say, "run", str(folder.path), fold=False)
    say_item(say, "data", where, fold=False)
    say_item(say, "", f"{count_noun(sizes.total(), 'pair')}, {listed}{more}")
    for note in data.notes:
        say_item(say, "note", note)
    if data.range is not None:
        say_item(say, "range", data.range.describe())
    distorted = [] if config.size is None else size_warnings(config.size, sizes, least=2**config.depth)
    for warning in (*data.warnings, *distorted):
        say_item(say, "warning", warning)
    say_item(
        say,
        "split",
        f"{len(split.train)} to train, {len(split.validation)} to validate, {len(split.test)} to test ({folder.split.name})",
    )
    say_item(say, "target", learned)
    if config.size is None:
        fitted = f"crops of {config.crop}x{config.crop}"
        if config.diameter is not None:
            fitted = f"resized so that cells are {config.diameter:g} pixels across, {fitted}"
    else:
        fitted = f"resized to {config.size[0]}x{config.size[1]}"
    if data.reading is not None:
        say_item(say, "masks", data.reading.describe() + ("" if config.mask == "binary" else "; their greys are kept"))
        kind = "masks of classes" if config.classes is not None else f"{config.mask} masks"
        say_item(say, "input", f"{describe_channels(config.channels)}, {fitted}; {kind}")
        return
    threshold = "Otsu's threshold" if config.threshold == "otsu" else f"{config.threshold:g}"
    cut = f", cut at {threshold}" if config.mask == "binary" else ""
    say_item(say, "input", f"{describe_channels(config.channels)}, {fitted}; {config.mask} masks{cut}")


def announce_training(
    say: Say, config: TrainConfig, steps: int, parameters: list[Any], limits: MaskLimits | None
) -> None:
    """The network, its training, and the limits that grey masks set to the scores."""
    layers = sum(parameter.ndim == 4 for parameter in parameters)
    count = sum(math.prod(parameter.shape) for parameter in parameters)
    with_lighting = f", {config.lighting} lighting" if config.augment != "none" else ""
    say_item(
        say,
        "model",
        f"U-Net, {config.variant} variant, base {config.base_channels}, depth {config.depth}:",
        f"{layers} convolutions, {count:,} parameters",
    )
    say_item(
        say,
        "training",
        f"{count_noun(config.epochs, 'epoch')} of {count_noun(steps, 'step')}, batches of {config.batch_size}"
        + ("," if config.micro_batch is None else f" in parts of {config.micro_batch},"),
        f"{config.augment} augmentation{with_lighting},",
        f"{config.loss} loss, Adam, {config.schedule} rate up to {config.lr:g}, "
        + (f"gradients up to {config.clip:g}, " if config.clip else "")
        + f"seed {config.seed}",
    )
    if limits is not None:
        say_item(
            say,
            "greys",
            f"the validation masks allow a cross-entropy no lower than {limits.loss_floor:.4f}",
            f"and a Keras accuracy no higher than {limits.keras_accuracy_ceiling:.4f}",
        )


def announce_cell_sizes(
    say: Say, config: TrainConfig, images: TrainingImages | None, sizes: Mapping[tuple[int, int], int]
) -> None:
    """A warning where cells are hardly seen after resizing; nothing where their sizes are not known."""
    if config.size is not None and images is not None:
        for warning in cell_size_warnings(images.cell_diameter, config.size, sizes, least=2**config.depth):
            say_item(say, "warning", warning)


def announce_memory(
    say: Say, plan: StepPlan, peak: float, limit: int | None = None, ranks: Ranks | None = None
) -> None:
    """The device, and the memory at the peak: exactly for fused steps, an upper bound on the CPU, otherwise an estimate.

    Where there are several ranks, that of each; together those of this machine are compared with what it has left.
    """
    device, ranks = plan.machine.device, Ranks() if ranks is None else ranks
    used = f", {count_noun(plan.machine.threads, 'thread')}" if device == "cpu" else ""
    each = f" of each of {ranks.size} processes" if ranks.size > 1 else ""
    say_item(say, "device", f"{device}{used}{each}")
    if plan.fused:
        say_item(say, "memory", f"{memory(peak)} of the GPU (all steps and the validation)")
    else:
        amount = f"at most {memory(peak)}" if device == "cpu" else f"about {memory(peak)}"
        say_item(say, "memory", f"{amount} at the peak{each} (an estimate from shapes)")
    slow = why_matmul_is_slow() if device == "cpu" else None
    if slow is not None:
        say_item(say, "warning", f"{slow}.")
    if limit is not None and peak > limit:
        say_item(say, "warning", f"this is more than --max-memory {memory(limit)}.")
    usable = _usable_memory(device)
    processes = ranks.node_size if device == "cpu" else 1
    if usable is not None and peak * processes > usable:
        where = "this machine or its container has" if device == "cpu" else "the GPU has"
        together = "" if processes == 1 else f" for {processes} processes together"
        say_item(
            say,
            "warning",
            f"this is{together} more than the {memory(usable)} that {where} left: "
            f"--max-memory {rounded_down(usable / processes)} chooses settings that fit, or says which would.",
        )


def _usable_memory(device: str) -> float | None:
    """Bytes that a training can have at its peak; None where the system does not say."""
    if device != "cpu":
        return free_device_memory()
    free = available_memory()
    return None if free is None else free + (resident_memory() or 0)


def announce_precision(say: Say, plan: StepPlan) -> None:
    """The precision on a GPU, and why a step is not one graph where it is not."""
    if plan.fused:
        say_item(say, "precision", f"{plan.precision}, each step one CUDA graph")
    else:
        say_item(say, "precision", f"{plan.precision}, op by op: {plan.why_not_fused}")


def announce_time(say: Say, epoch: float, epochs: int) -> None:
    """The time of an epoch, and of all epochs that are still to do."""
    say_item(say, "time", f"about {duration(epoch)} an epoch, {duration(epoch * epochs)} in all (one step was timed)")


def announce_stop(
    say: Say, folder: RunFolder, progress: TrainingProgress, epochs: int, steps: int, resumable: bool
) -> None:
    """After Ctrl-C: where the training stopped, what was saved, and how to resume it."""
    if resumable and progress.epoch == epochs:
        say_item(say, "stopped", "after the last epoch, before the test; nothing is lost")
    elif resumable:
        where = f"epoch {progress.epoch + 1} of {epochs}, after step {progress.batch} of {steps}"
        say_item(say, "stopped", f"in {where}; nothing is lost")
    elif folder.last.is_file():
        say_item(say, "stopped", f"at once; {folder.last} holds what was saved last")
    else:
        say_item(say, "stopped", "at once, before anything was saved; a resumed run starts from the beginning")
    if progress.best_epoch and folder.model.is_file():
        say_item(say, "saved", f"{folder.model}, the best so far (epoch {progress.best_epoch})")
    announce_resume(say, folder)


def announce_finished(say: Say, config: TrainConfig, folder: RunFolder) -> None:
    """For a resumed run with nothing left to do: where the results are, and how to train longer."""
    say_item(say, "finished", f"all {count_noun(config.epochs, 'epoch')} are done and tested: see {folder.metrics}")
    command = f"python -m minunet.train --resume {shlex.quote(str(folder.path))} --epochs {2 * config.epochs}"
    say_commands(say, "longer", command)


def announce_resume(say: Say, folder: RunFolder) -> None:
    """The command that resumes the run."""
    say_commands(say, "resume", f"python -m minunet.train --resume {shlex.quote(str(folder.path))}")


def announce_cells(say: Say, choice: CellChoice | None, missing: str | None, *, numbered: bool = True) -> None:
    """How well cells are found on the validation images; or why no settings were chosen.

    `numbered` says whether the masks number their cells. If not, touching cells are one in the true number.
    """
    if missing is not None:
        say_item(say, "cells", missing)
    elif choice is None:
        say_item(say, "cells", "the validation images have none, so that the default settings are used for them")
    else:
        scores, images = choice.validation, int(choice.validation["images"])
        average = " on average" if images > 1 else ""
        error = f"the count of cells is off by {100 * scores['count_error']:.1f} % of the true number{average}"
        if scores["count_error"] > 1:
            error = f"far too many cells are found: {error}"
        say_item(
            say,
            "cells",
            f"F1 {scores['cell_f1']:.3f} on {count_noun(images, 'validation image')} at full size; {error}",
            f"the settings that separate cells were chosen on {'these images' if images > 1 else 'this image'}",
            *([] if numbered else [CONNECTED_REGIONS]),
        )


def class_line(classes: Mapping[str, Mapping[str, Any]], mean: float | None) -> str:
    """The Dice of every class but the background, in a line."""
    listed = [
        f"{name} {'not there' if row['dice'] is None else format(row['dice'], '.4f')}"
        for name, row in list(classes.items())[1:]
    ]
    return f"Dice {', '.join(listed)}" + ("" if mean is None else f"; mean {mean:.4f}")


def announce_result(
    say: Say, config: TrainConfig, folder: RunFolder, result: dict[str, Any], missing: str | None, seconds: float
) -> None:
    """The scores, the pictures to open, and what to do next; `missing` is the reason why there are no curves."""
    best, test = result["validation"], result["test"]
    cells = 1 - test["baseline"]
    which = "loss" if config.monitor == "loss" else "Dice"
    say_item(
        say,
        "best",
        f"epoch {best['epoch']} of {result['epochs']}, validation {which} {best[f'val_{config.monitor}']:.4f}",
    )
    say_item(
        say,
        "test",
        f"Dice {test['dice']:.4f} (trivial: {trivial_dice(cells):.4f}), IoU {test['iou']:.4f}, "
        f"precision {test['precision']:.4f}, recall {test['recall']:.4f}",
        f"accuracy {test['accuracy']:.4f} (trivial: {trivial_accuracy(cells):.4f}), loss {test['loss']:.4f}, "
        f"{count_noun(len(result['test_images']), 'image')}",
    )
    if "test_classes" in result:
        say_item(say, "classes", class_line(result["test_classes"], result["test_mean_class_dice"]))
    if result["warnings"]:
        kinds = join_names(warning["kind"] for warning in result["warnings"])
        say_item(say, "warnings", f"{kinds}: see above, or {folder.warnings}")
    say_item(say, "took", duration(seconds))
    if missing:
        say_item(say, "curves", missing)
    pictures = [folder.predictions, *([] if missing else [folder.curves]), folder.augmentation]
    say_item(say, "open", *map(str, pictures), fold=False)
    model = shlex.quote(str(folder.model))
    commands = f"python -m minunet.predict {model} IMAGES --out DIR", f"python -m minunet.evaluate {model} DATA"
    say_commands(say, "use", *commands)
