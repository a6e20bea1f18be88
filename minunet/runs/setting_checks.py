"""Checks of a training's settings: a sentence for each setting that cannot work, with its flag and the values that can.

The settings come as a mapping with the fields of `TrainConfig`, because values from a file can have any type.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from minunet.cli.argument_types import MOST_BYTES
from minunet.data.augmentation import LEVELS
from minunet.data.cell_scale import diameter_problem
from minunet.data.lighting import LIGHTINGS
from minunet.data.outputs import SEPARATIONS
from minunet.data.reading.channels import channels_problem
from minunet.data.reading.image_range import range_problem
from minunet.data.reading.mask_classes import ClassRequest
from minunet.data.reading.mask_values import MaskValues
from minunet.errors import UserError
from minunet.files.json_files import is_finite_number
from minunet.functional.validation import is_whole_number
from minunet.kernels.backend import DEVICES
from minunet.kernels.machine import PRECISION_CHOICES
from minunet.nn.unet import ACTIVATIONS, MAX_DEPTH, POOLINGS, VARIANTS
from minunet.training.loss import LOSSES
from minunet.training.schedule import SCHEDULES
from minunet.wording import shorten

SETTING_CHOICES = {
    "mask": ("binary", "grayscale"),
    "target": ("cells", "pixels"),
    "separation": SEPARATIONS,
    "augment": LEVELS,
    "lighting": LIGHTINGS,
    "variant": VARIANTS,
    "activation": ACTIVATIONS,
    "pooling": tuple(POOLINGS),
    "schedule": tuple(SCHEDULES),
    "loss": tuple(LOSSES),
    "device": DEVICES,
    "precision": PRECISION_CHOICES,
}
DATA_PATHS = ("data", "images", "masks")  # settings that say where the data is on this machine
MAY_CHANGE = (
    *DATA_PATHS,
    "device",
    "threads",
    "precision",
    "recompute",
    "max_memory",
    "epochs",
    "skip_unpaired",
)  # when a run is resumed
MINIMUM = {"epochs": 1, "batch_size": 1, "base_channels": 1, "seed": 0}
# More is a typing mistake or a damaged file; of a seed, NumPy takes whole numbers of any length.
MAXIMUM = {"epochs": 10**7, "batch_size": 10**6, "base_channels": 65536, "seed": 2**256}
MOST_THREADS = 4096
MAX_SIDE = 16384  # pixels; a longer side is a typing mistake
CELLS_IN_CROP = 6  # across a crop whose side nobody names
SMALLEST_CROP = 128  # pixels, of such a crop


def flag(name: str) -> str:
    """The command-line flag of a setting."""
    return "--" + name.replace("_", "-")


def value_problems(settings: Mapping[str, Any]) -> list[str]:
    """The problems of single values, other than sizes and shares."""
    problems = []
    for name, choices in SETTING_CHOICES.items():
        if settings[name] not in choices:
            problems.append(f"{flag(name)} {shorten(settings[name])}: choose one of {', '.join(choices)}.")
    for name, minimum in MINIMUM.items():
        value = settings[name]
        if not is_whole_number(value) or value < minimum:
            problems.append(f"{flag(name)} {shorten(value)}: give a whole number of at least {minimum}.")
        elif value > MAXIMUM[name]:
            problems.append(f"{flag(name)} {shorten(value)}: give a whole number of at most {MAXIMUM[name]}.")
    if problem := channels_problem(settings["channels"]):
        problems.append(f"--channels {shorten(settings['channels'])}: {problem}.")
    if settings["range"] is not None and (problem := range_problem(settings["range"])):
        problems.append(f"--range {shorten(settings['range'])}: {problem}.")
    if not _is_depth(settings["depth"]):
        problems.append(f"--depth {shorten(settings['depth'])}: give a whole number from 1 to {MAX_DEPTH}.")
    threads = settings["threads"]
    if threads is not None and (not is_whole_number(threads) or threads < 1):
        problems.append(
            f"--threads {shorten(threads)}: give a whole number of at least 1, or leave it out for all cores."
        )
    elif threads is not None and threads > MOST_THREADS:
        problems.append(f"--threads {shorten(threads)}: give at most {MOST_THREADS}.")
    part = settings["micro_batch"]
    if part is not None and not (is_whole_number(part) and 1 <= part <= MAXIMUM["batch_size"]):
        problems.append(f"--micro-batch {shorten(part)}: give a whole number of at least 1, or leave it out.")
    limit = settings["max_memory"]
    if limit is not None and not (is_whole_number(limit) and 1 <= limit <= MOST_BYTES):
        problems.append(f"--max-memory {shorten(limit)}: give an amount of memory, such as 2GB or 1.5GiB.")
    for name in ("block_end_relu", "recompute", "skip_unpaired"):
        if not isinstance(settings[name], bool):
            problems.append(f"{flag(name)} {shorten(settings[name])}: give true or false.")
    for name in (*DATA_PATHS, "group", "init", "init_hash"):
        if not isinstance(settings[name], str | None):
            problems.append(f"{flag(name)} {shorten(settings[name])}: give text.")
    if not is_finite_number(settings["lr"]) or settings["lr"] <= 0:
        problems.append(f"--lr {shorten(settings['lr'])}: give a positive number, such as 0.002.")
    if not is_finite_number(settings["clip"]) or settings["clip"] < 0:
        problems.append(f"--clip {shorten(settings['clip'])}: give a norm above 0, such as 1.0, or 0 for none.")
    if settings["extended"] != () and not is_ascending(settings["extended"], settings["epochs"]):
        problems.append(
            f"extended {shorten(settings['extended'])}: give ascending numbers of epochs, each below --epochs "
            f"{shorten(settings['epochs'])}."
        )
    problems += mask_problems(settings)
    threshold = settings["threshold"]
    if threshold != "otsu" and not (is_finite_number(threshold) and 0 <= threshold < 1):
        problems.append(
            f"--threshold {shorten(threshold)}: give 'otsu', or a share of the mask's range, from 0 to below 1."
        )
    return problems


def mask_problems(settings: Mapping[str, Any]) -> list[str]:
    """The problems of what is said of the values of the masks."""
    problems = []
    for name in ("cell", "ignore"):
        value = settings[name]
        if value is not None and not isinstance(value, str):
            problems.append(f"{flag(name)} {shorten(value)}: give text.")
        elif value is not None:
            try:
                MaskValues(value)
            except UserError as error:
                problems += [f"{flag(name)} {problem}" for problem in error.problems]
    if not isinstance(settings["invert_masks"], bool):
        problems.append(f"--invert-masks {shorten(settings['invert_masks'])}: give true or false.")
    classes = settings["classes"]
    if classes is not None and not isinstance(classes, str):
        problems.append(f"--classes {shorten(classes)}: give text.")
    elif classes is not None:
        try:
            ClassRequest.of(classes)
        except UserError as error:
            problems += [f"--classes {shorten(classes)}: {problem}" for problem in error.problems]
        if settings["mask"] == "grayscale":
            problems.append("--classes and --mask grayscale exclude each other: a mask holds classes, or greys.")
    weights = settings["class_weights"]
    if weights and not (isinstance(weights, tuple) and all(is_finite_number(value) and value > 0 for value in weights)):
        problems.append(f"class_weights {shorten(weights)}: give positive numbers.")
    elif weights and len(weights) != len(getattr(settings["reading"], "classes", ())):
        problems.append(f"class_weights {shorten(weights)}: give as many as there are classes.")
    given = [
        flag(name)
        for name in ("cell", "invert_masks", "threshold", "classes")
        if settings[name] not in (None, False, "otsu")
        or (name == "threshold" and settings[name] == 0 and settings[name] is not False)
    ]
    if len(given) > 1:
        problems.append(
            f"{' and '.join(given)} exclude each other: "
            + (
                "--classes alone says which values are background."
                if "--classes" in given
                else "--cell alone can say it all, also with not: before it."
            )
        )
    return problems


def size_problems(settings: Mapping[str, Any]) -> list[str]:
    """The problems of the size of the images or of the crops."""
    size, crop, depth = settings["size"], settings["crop"], settings["depth"]
    diameter = settings["diameter"]
    minimum = 2**depth if _is_depth(depth) else 1
    why = f"--depth {depth} halves it {depth} times, so each side needs at least {minimum} pixels"
    if diameter is not None and (problem := diameter_problem(diameter)):
        return [f"--diameter {shorten(diameter)}: {problem}."]
    if size is not None and diameter is not None:  # which has a crop, also where the user names none
        return [
            "--size and --diameter exclude each other: resize every image to one size, or by the size of its cells."
        ]
    if size is not None and crop is not None:
        return ["--size and --crop exclude each other: resize every image, or crop at native resolution."]
    if crop is not None:
        if not _is_side(crop):
            return [f"--crop {shorten(crop)}: give the side of the crops in pixels, such as 256."]
        return [f"--crop {crop} is too small: {why}; crop larger or lower --depth."] if crop < minimum else []
    if size is None:
        return ["--size WxH or --crop N is needed: images of different sizes cannot be in one batch."]
    sides = size if isinstance(size, tuple) else (size,)
    if len(sides) != 2 or not all(map(_is_side, sides)):
        text = shorten("x".join(shorten(side) for side in sides))
        return [f"--size {text}: give WIDTHxHEIGHT in pixels, each from 1 to {MAX_SIDE}, such as 256x192."]
    if min(sides) < minimum:
        return [f"--size {sides[0]}x{sides[1]} is too small: {why}; resize larger or lower --depth."]
    return []


def crop_for(diameter: float, depth: Any) -> int:
    """The side of the crops of images whose cells have a diameter, where nobody names one: a multiple of 16 pixels."""
    wanted = CELLS_IN_CROP * diameter if diameter_problem(diameter) is None else 0
    least = 2**depth if _is_depth(depth) else 1
    return min(max(SMALLEST_CROP, math.ceil(wanted / 16) * 16, least), MAX_SIDE)


def split_problems(settings: Mapping[str, Any]) -> list[str]:
    """The problems of the split."""
    problems = []
    shares = settings["split"] if isinstance(settings["split"], tuple) else (settings["split"],)
    text = shorten(",".join(shorten(share) for share in shares))
    if len(shares) != 3 or not all(is_finite_number(share) and share > 0 for share in shares):
        problems.append(
            f"--split {text}: give three positive shares for training, validation and test, such as 0.8,0.1,0.1."
        )
    elif not math.isclose(sum(shares), 1, rel_tol=0, abs_tol=1e-6):
        problems.append(f"--split {text}: the shares add up to {sum(shares):g}; they must make 1 (or 100).")
    if isinstance(settings["group"], str):
        try:
            re.compile(settings["group"])
        except (re.error, OverflowError, RecursionError) as error:
            problems.append(
                f"--group {shorten(settings['group'])}: this is not a regular expression ({shorten(error)})."
            )
    return problems


def is_ascending(numbers: Any, end: Any) -> bool:
    """Whether a tuple has whole numbers that ascend from 1 and stay below `end`."""
    if not isinstance(numbers, tuple) or not all(map(is_whole_number, (*numbers, end))):
        return False
    return all(first < second for first, second in zip((0, *numbers), (*numbers, end), strict=True))


def _is_depth(value: Any) -> bool:
    return is_whole_number(value) and 1 <= value <= MAX_DEPTH


def _is_side(value: Any) -> bool:
    return is_whole_number(value) and 1 <= value <= MAX_SIDE
