"""The settings of one training run: what `python -m minunet.train` was asked for, and all that is needed to repeat it.

A frozen dataclass that turns into JSON (`config.json` in the run folder) and back; one field per flag that shapes the result.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from minunet.data.reading.preprocessing import Preprocessing
from minunet.errors import UserError
from minunet.files.atomic import write_text
from minunet.files.json_files import read_json
from minunet.inference.machine import CHOICES as PRECISIONS
from minunet.kernels.backend import DEVICES
from minunet.nn.unet import ACTIVATIONS, MAX_DEPTH, POOLINGS, VARIANTS
from minunet.training.loss import LOSSES
from minunet.training.schedule import SCHEDULES

CHOICES = {
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
PATHS = ("data", "images", "masks")  # settings that say where the data lies on this machine
AT_LEAST = {"epochs": 1, "batch_size": 1, "base_channels": 1, "seed": 0}
EXTENT = 16384  # pixels; a longer side is a slip of the finger


@dataclass(frozen=True)
class TrainConfig:
    """Every setting of a training run.

    Parameters
    ----------
    data, images, masks : str, optional
        Where the pairs are: one folder, or one for each side. With none of them the run draws its own smears.
    mask : {"binary", "grayscale"}
        Whether masks are made 0 and 1 or kept grey.
    threshold : "otsu" or float
        Where a mask is cut, as a share of its range, 0 to 1.
    channels : {"grey", "rgb"}
    size : (int, int), optional
        Width and height in pixels that every image is resized to; None with `crop`.
    crop : int, optional
        Side of the random crops, in pixels, taken at native resolution.
    augment : {"none", "light", "full"}
    split : (float, float, float)
        Shares of training, validation and test.
    group : str, optional
        Regular expression; images for which it finds the same text stay on one side of the split.
    variant, base_channels, depth, activation, pooling, block_end_relu
        The network, as in `UNet`.
    epochs, batch_size : int
    lr : float
        Peak learning rate.
    clip : float
        The longest gradient that is taken as it is (see `minunet.training.clipping`); 0 takes all.
    schedule, loss : str
        Names in `minunet.training.schedule` and `minunet.training.loss`.
    seed : int
        Everything random derives from it: weights, split, order, augmentation, drawn smears.
    device, threads, precision : str, int, str
        "auto", "cpu" or "cuda"; CPU threads, None for all cores; of a GPU's convolutions (`minunet.inference.machine`).
    recompute : bool
        Whether each block runs again in the backward pass in place of keeping what it computed: less memory, more time,
        the same numbers.
    """

    data: str | None = None
    images: str | None = None
    masks: str | None = None
    mask: str = "binary"
    threshold: str | float = "otsu"
    channels: str = "grey"
    size: tuple[int, int] | None = (256, 256)
    crop: int | None = None
    augment: str = "light"
    split: tuple[float, float, float] = (0.8, 0.1, 0.1)
    group: str | None = None
    variant: str = "paper"
    base_channels: int = 16
    depth: int = 4
    activation: str = "relu"
    pooling: str = "max"
    block_end_relu: bool = True
    epochs: int = 40
    batch_size: int = 8
    lr: float = 2e-3
    clip: float = 1.0
    schedule: str = "onecycle"
    loss: str = "bce"
    seed: int = 0
    device: str = "auto"
    threads: int | None = None
    precision: str = "auto"
    recompute: bool = False

    @property
    def drawn(self) -> bool:
        """Whether the run draws its own smears, because no data was named."""
        return self.data is None and self.images is None and self.masks is None

    @property
    def monitor(self) -> str:
        """What the best epoch is best at: "dice", or "loss" for grey masks, where the binarised overlap says less."""
        return "loss" if self.mask == "grayscale" else "dice"

    def preprocessing(self) -> Preprocessing:
        """What turns the files into the network's input."""
        return Preprocessing(
            channels=self.channels, size=self.size, crop=self.crop, mask=self.mask, threshold=self.threshold
        )

    def architecture(self) -> dict[str, Any]:
        """The arguments of `UNet`."""
        return {
            "in_channels": 3 if self.channels == "rgb" else 1,
            "out_channels": 1,
            "base_channels": self.base_channels,
            "depth": self.depth,
            "variant": self.variant,
            "activation": self.activation,
            "pooling": self.pooling,
            "block_end_relu": self.block_end_relu,
        }

    def problems(self) -> list[str]:
        """One sentence for each setting that cannot work, naming its flag and what it takes; empty where all are sound."""
        found = []
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                found.append(f"{flag(name)} {getattr(self, name)}: choose one of {', '.join(choices)}.")
        for name, least in AT_LEAST.items():
            value = getattr(self, name)
            if not _is_whole(value) or value < least:
                found.append(f"{flag(name)} {value}: give a whole number of at least {least}.")
        if not _is_whole(self.depth) or not 1 <= self.depth <= MAX_DEPTH:
            found.append(f"--depth {self.depth}: give a whole number from 1 to {MAX_DEPTH}.")
        if self.threads is not None and (not _is_whole(self.threads) or self.threads < 1):
            found.append(f"--threads {self.threads}: give a whole number of at least 1, or leave it out for all cores.")
        for name in ("block_end_relu", "recompute"):
            if not isinstance(getattr(self, name), bool):
                found.append(f"{flag(name)} {getattr(self, name)}: give true or false.")
        for name in (*PATHS, "group"):
            if not isinstance(getattr(self, name), str | None):
                found.append(f"{flag(name)} {getattr(self, name)}: give text.")
        if not _is_number(self.lr) or self.lr <= 0:
            found.append(f"--lr {self.lr}: give a positive number, such as {TrainConfig.lr}.")
        if not _is_number(self.clip) or self.clip < 0:
            found.append(f"--clip {self.clip}: give a length above 0, such as {TrainConfig.clip}, or 0 for none.")
        if self.threshold != "otsu" and not (_is_number(self.threshold) and 0 <= self.threshold < 1):
            found.append(
                f"--threshold {self.threshold}: give 'otsu', or a share of the mask's range, from 0 to below 1."
            )
        return found + self._extent_problems() + self.split_problems()

    def _extent_problems(self) -> list[str]:
        least = 2**self.depth if _is_whole(self.depth) and 1 <= self.depth <= MAX_DEPTH else 1
        why = f"--depth {self.depth} halves it {self.depth} times, so each side needs at least {least} pixels"
        if self.size is not None and self.crop is not None:
            return ["--size and --crop exclude each other: resize every image, or crop at native resolution."]
        if self.size is None and self.crop is None:
            return ["--size WxH or --crop N is needed: images of different sizes make no batch."]
        if self.crop is not None:
            if not _is_whole(self.crop) or not 0 < self.crop <= EXTENT:
                return [f"--crop {self.crop}: give the side of the crops in pixels, such as 256."]
            return (
                [f"--crop {self.crop} is too small: {why}; crop larger or lower --depth."] if self.crop < least else []
            )
        sides = self.size if isinstance(self.size, tuple) else (self.size,)
        if len(sides) != 2 or not all(_is_whole(side) and 0 < side <= EXTENT for side in sides):
            text = "x".join(str(side) for side in sides)
            return [f"--size {text}: give WIDTHxHEIGHT in pixels, each from 1 to {EXTENT}, such as 256x192."]
        if min(self.size) < least:
            return [f"--size {self.size[0]}x{self.size[1]} is too small: {why}; resize larger or lower --depth."]
        return []

    def split_problems(self) -> list[str]:
        """Those of `problems` that keep the pairs from being split."""
        found = []
        shares = self.split if isinstance(self.split, tuple) else (self.split,)
        text = ",".join(str(share) for share in shares)
        if len(shares) != 3 or not all(_is_number(share) and share > 0 for share in shares):
            found.append(
                f"--split {text}: give three positive shares for training, validation and test, such as 0.8,0.1,0.1."
            )
        elif not math.isclose(sum(shares), 1, rel_tol=0, abs_tol=1e-6):
            found.append(f"--split {text}: the shares add up to {sum(shares):g}; they must make 1 (or 100).")
        if isinstance(self.group, str):
            try:
                re.compile(self.group)
            except re.error as error:
                found.append(f"--group {self.group}: this is no regular expression ({error}).")
        return found

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold; tuples become lists."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any], source: str = "configuration") -> TrainConfig:
        """Build from what `to_dict` gave; a missing setting takes its default.

        Raises
        ------
        UserError
            For settings that do not exist, each by name.
        """
        known = {field.name for field in fields(cls)}
        unknown = [name for name in values if name not in known]
        if unknown:
            raise UserError(
                f"{source}: there is no setting '{name}'; remove it, or correct its spelling." for name in unknown
            )
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})

    def write(self, path: str | Path) -> Path:
        """Write as JSON, one setting a line."""
        return write_text(path, json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n")

    @classmethod
    def read(cls, path: str | Path) -> TrainConfig:
        """Read what `write` wrote.

        Raises
        ------
        UserError
            Where the file is missing, is no JSON, or has settings that do not exist or cannot work.
        """
        values = read_json(Path(path))
        if not isinstance(values, dict):
            raise UserError(f"{path}: this holds no settings; restore it, or start a new run.")
        config = cls.from_dict(values, str(path))
        problems = config.problems()
        if problems:
            raise UserError(f"{path}: {problem}" for problem in problems)
        return config


def flag(name: str) -> str:
    """The command-line flag of a setting."""
    return "--" + name.replace("_", "-")


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
