"""Checks of a training's settings: a sentence for each setting that cannot work, with its flag and the values that can."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from minunet.inference.machine import CHOICES as PRECISIONS
from minunet.kernels.backend import DEVICES
from minunet.nn.unet import ACTIVATIONS, MAX_DEPTH, POOLINGS, VARIANTS
from minunet.training.loss import LOSSES
from minunet.training.schedule import SCHEDULES

if TYPE_CHECKING:
    from minunet.runs.config import TrainConfig

SETTING_CHOICES = {
    "mask": ("binary", "grayscale"),
    "channels": ("grey", "rgb"),
    "augment": ("none", "light", "full"),
    "variant": VARIANTS,
    "activation": ACTIVATIONS,
    "pooling": tuple(POOLINGS),
    "schedule": tuple(SCHEDULES),
    "loss": tuple(LOSSES),
    "device": DEVICES,
    "precision": PRECISIONS,
}
DATA_PATHS = ("data", "images", "masks")  # settings that say where the data is on this machine
MINIMUM = {"epochs": 1, "batch_size": 1, "base_channels": 1, "seed": 0}
MAX_SIDE = 16384  # pixels; a longer side is a typing mistake


def flag(name: str) -> str:
    """The command-line flag of a setting."""
    return "--" + name.replace("_", "-")


def value_problems(config: TrainConfig) -> list[str]:
    """The problems of single values, other than sizes and shares."""
    problems = []
    for name, choices in SETTING_CHOICES.items():
        if getattr(config, name) not in choices:
            problems.append(f"{flag(name)} {getattr(config, name)}: choose one of {', '.join(choices)}.")
    for name, minimum in MINIMUM.items():
        value = getattr(config, name)
        if not _is_whole_number(value) or value < minimum:
            problems.append(f"{flag(name)} {value}: give a whole number of at least {minimum}.")
    if not _is_depth(config.depth):
        problems.append(f"--depth {config.depth}: give a whole number from 1 to {MAX_DEPTH}.")
    if config.threads is not None and (not _is_whole_number(config.threads) or config.threads < 1):
        problems.append(
            f"--threads {config.threads}: give a whole number of at least 1, or leave it out for all cores."
        )
    for name in ("block_end_relu", "recompute"):
        if not isinstance(getattr(config, name), bool):
            problems.append(f"{flag(name)} {getattr(config, name)}: give true or false.")
    for name in (*DATA_PATHS, "group"):
        if not isinstance(getattr(config, name), str | None):
            problems.append(f"{flag(name)} {getattr(config, name)}: give text.")
    if not _is_number(config.lr) or config.lr <= 0:
        problems.append(f"--lr {config.lr}: give a positive number, such as {type(config).lr}.")
    if not _is_number(config.clip) or config.clip < 0:
        problems.append(f"--clip {config.clip}: give a norm above 0, such as {type(config).clip}, or 0 for none.")
    threshold = config.threshold
    if threshold != "otsu" and not (
        isinstance(threshold, float | int) and _is_number(threshold) and 0 <= threshold < 1
    ):
        problems.append(f"--threshold {threshold}: give 'otsu', or a share of the mask's range, from 0 to below 1.")
    return problems


def size_problems(config: TrainConfig) -> list[str]:
    """Why the size of the images or of the crops cannot be used."""
    size, crop = config.size, config.crop
    minimum = 2**config.depth if _is_depth(config.depth) else 1
    why = f"--depth {config.depth} halves it {config.depth} times, so each side needs at least {minimum} pixels"
    if size is not None and crop is not None:
        return ["--size and --crop exclude each other: resize every image, or crop at native resolution."]
    if crop is not None:
        if not _is_side(crop):
            return [f"--crop {crop}: give the side of the crops in pixels, such as 256."]
        return [f"--crop {crop} is too small: {why}; crop larger or lower --depth."] if crop < minimum else []
    if size is None:
        return ["--size WxH or --crop N is needed: images of different sizes cannot be in one batch."]
    sides = size if isinstance(size, tuple) else (size,)
    if len(sides) != 2 or not all(map(_is_side, sides)):
        text = "x".join(str(side) for side in sides)
        return [f"--size {text}: give WIDTHxHEIGHT in pixels, each from 1 to {MAX_SIDE}, such as 256x192."]
    if min(sides) < minimum:
        return [f"--size {sides[0]}x{sides[1]} is too small: {why}; resize larger or lower --depth."]
    return []


def split_problems(config: TrainConfig) -> list[str]:
    """Why the pairs cannot be split."""
    problems = []
    shares = config.split if isinstance(config.split, tuple) else (config.split,)
    text = ",".join(str(share) for share in shares)
    if len(shares) != 3 or not all(_is_number(share) and share > 0 for share in shares):
        problems.append(
            f"--split {text}: give three positive shares for training, validation and test, such as 0.8,0.1,0.1."
        )
    elif not math.isclose(sum(shares), 1, rel_tol=0, abs_tol=1e-6):
        problems.append(f"--split {text}: the shares add up to {sum(shares):g}; they must make 1 (or 100).")
    if isinstance(config.group, str):
        try:
            re.compile(config.group)
        except re.error as error:
            problems.append(f"--group {config.group}: this is not a regular expression ({error}).")
    return problems


def _is_whole_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_depth(value: Any) -> bool:
    return _is_whole_number(value) and 1 <= value <= MAX_DEPTH


def _is_side(value: Any) -> bool:
    return _is_whole_number(value) and 1 <= value <= MAX_SIDE
