"""The settings of a training as command-line flags: their help, written once for all commands, and their values as text.

`python -m minunet.train` has all of them, `python -m minunet.paper` some; each shows its own defaults.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from minunet.cli.argument_types import (
    cell_diameter,
    class_names,
    image_size,
    mask_threshold,
    mask_values,
    memory_size,
    non_negative_float,
    non_negative_int,
    path_text,
    positive_float,
    positive_int,
)
from minunet.cli.machine_arguments import DEVICE, THREADS, TRAINING_PRECISION
from minunet.data.reading.channels import channels_text
from minunet.data.reading.image_range import range_text
from minunet.files.names import absolute_text
from minunet.runs.setting_checks import DATA_PATHS, SETTING_CHOICES, flag


class SettingFlag(NamedTuple):
    """How a setting is given on the command line; its choices, where it has any, are in `SETTING_CHOICES`."""

    help: str
    metavar: str | None = None
    type: Callable[[str], Any] | None = None


def _split_shares(text: str) -> tuple[float, ...]:
    try:
        shares = tuple(float(part) for part in text.replace("/", ",").split(","))
    except ValueError:
        raise ValueError("give shares for training, validation and test, as 0.8,0.1,0.1 or 80/10/10") from None
    return tuple(share / 100 for share in shares) if abs(sum(shares) - 100) < 1e-6 else shares


SETTING_FLAGS = {
    "images": SettingFlag("folder of the images, or 'DIR/*_raw.tif', in place of DATA", "DIR", path_text),
    "masks": SettingFlag(
        "folder of the masks, or 'DIR/*_gt.png': with --images in place of DATA, or other masks for the images of DATA",
        "DIR",
        path_text,
    ),
    "mask": SettingFlag("make masks black and white, or keep their greys"),
    "threshold": SettingFlag(
        "a fraction of white: mask values above it are cell, 0.5 being the same as --cell '>127.5' in 8 bits; otsu leaves it to "
        "the masks",
        "otsu|0..1",
        mask_threshold,
    ),
    "cell": SettingFlag(
        "the mask values that are cell: '>0', 1,2, 10-20, '#ff0000', or 'not:#ffffff' for all others (default what the "
        "masks themselves tell)",
        "VALUES",
        mask_values,
    ),
    "ignore": SettingFlag(
        "mask values that count in no loss and no score, such as 255, written as for --cell", "VALUES", mask_values
    ),
    "classes": SettingFlag(
        "the classes of masks that show several, the background first: names in the order of the values, such as "
        "background,red,white; names with values or colours, 'background=0,red=1,white=2+3'; or auto, which numbers them",
        "NAMES",
        class_names,
    ),
    "invert_masks": SettingFlag("cells are dark on a light background: short for --cell with the darker value"),
    "target": SettingFlag(
        "what the network learns: pixels, cell or not; or cells, also what separates cells that touch"
    ),
    "separation": SettingFlag(
        "what that is: the distance to the border of a cell, its middle, or the seams between cells"
    ),
    "channels": SettingFlag(
        "what the network sees of an image: grey, rgb, or channels by number from 0, such as 2 or 0,1",
        "grey|rgb|N,...",
        channels_text,
    ),
    "range": SettingFlag(
        "which values are black and white: set, those that 0.1 %% of the pixels of the training images are below and above; full, "
        "all that the type of the files can hold; or two values",
        "set|full|LOW:HIGH",
        range_text,
    ),
    "size": SettingFlag("resize every image to this many pixels", "WxH", image_size),
    "crop": SettingFlag(
        "train on random squares of N pixels at native resolution, in place of --size", "N", positive_int
    ),
    "diameter": SettingFlag(
        "resize every image so that its cells, measured in its mask, are PX pixels across, and train on crops of it; the model "
        "then brings new images to that size too, so that it works at any magnification",
        "PX",
        cell_diameter,
    ),
    "augment": SettingFlag("vary the training images: flips and turns, or also shape and stain"),
    "lighting": SettingFlag(
        "vary their brightness, curve and colour with it: widely, so that the model stands another lamp or camera, or mildly"
    ),
    "split": SettingFlag("shares of training, validation and test", "A,B,C", _split_shares),
    "group": SettingFlag("keep images with the same match (a slide, a patient) on one side of the split", "REGEX"),
    "variant": SettingFlag("three convolutions a block as in the paper, or two as in the classic U-Net"),
    "base_channels": SettingFlag("channels of the first block; each deeper block has twice as many", "N", positive_int),
    "depth": SettingFlag("how many times the image is halved, 1 to 8", "N", positive_int),
    "init": SettingFlag(
        "begin with the weights of a model: pretrained, which comes with minunet, or a model file or run folder. Network, channels "
        "and cell size follow it; the defaults are then --epochs 30 --lr 0.0005 --batch-size 4, since little is left to learn",
        "pretrained|MODEL",
        path_text,
    ),
    "epochs": SettingFlag("how often every training image is seen", "N", positive_int),
    "batch_size": SettingFlag("images in a step; fewer need less memory", "N", positive_int),
    "micro_batch": SettingFlag(
        "images whose gradients are computed together: those of a step are added up part by part, which needs less memory "
        "(default all of them; a quarter under mpiexec, which shares the parts out over processes, see docs/scale.md)",
        "N",
        positive_int,
    ),
    "lr": SettingFlag("peak learning rate of Adam", "RATE", positive_float),
    "clip": SettingFlag("scale gradients down to this norm; 0 means no limit", "NORM", non_negative_float),
    "schedule": SettingFlag("how the learning rate changes"),
    "loss": SettingFlag("the loss: cross-entropy, overlap, or their sum"),
    "seed": SettingFlag("every random choice depends on it: the same seed, the same model", "N", non_negative_int),
    "device": SettingFlag(DEVICE),
    "precision": SettingFlag(TRAINING_PRECISION),
    "threads": SettingFlag(THREADS, "N", positive_int),
    "max_memory": SettingFlag(
        "the most memory that the training may take, such as 2GB or 1.5GiB: where it would take more, activations are computed "
        "again and batches are halved, and a line says so; on a GPU, of its memory. config.json has what was chosen, and a "
        "resumed run keeps its batches",
        "SIZE",
        memory_size,
    ),
}


def add_skip_unpaired(group: argparse._ActionsContainer) -> None:
    """Add --skip-unpaired; its value is None where it was not given."""
    group.add_argument(
        "--skip-unpaired",
        action="store_true",
        default=None,
        help="leave out images without a mask and masks without an image (default they are mistakes)",
    )


def add_setting_flags(
    group: argparse._ActionsContainer,
    names: Iterable[str],
    defaults: Any,
    *,
    flags: Mapping[str, SettingFlag] = SETTING_FLAGS,
    without_data: Mapping[str, Any] = MappingProxyType({}),
    in_words: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Add settings as flags; the value of a flag that was not given is None.

    Parameters
    ----------
    group : argument group or parser
    names : iterable of str
        Of the settings.
    defaults : TrainConfig or StudySettings
        Its values are shown as defaults.
    flags : mapping of str to SettingFlag
    without_data : mapping of str to value, optional
        Other defaults that hold where no data is given.
    in_words : mapping of str to str, optional
        How a default is chosen that is not the same for all data.
    """
    for name in names:
        help_, metavar, type_ = flags[name]
        default = getattr(defaults, name)
        if default is not None:
            special = f"; {as_typed(without_data[name])} without DATA" if name in without_data else ""
            help_ += f" (default {in_words.get(name, as_typed(default, name))}{special})"
        options: dict[str, Any] = {"type": type_, "metavar": metavar}
        if isinstance(default, bool):
            group.add_argument(flag(name), help=flags[name].help, action="store_true", default=None)
            continue
        if name in SETTING_CHOICES:
            options = {"choices": SETTING_CHOICES[name]}
        group.add_argument(flag(name), help=help_, **options)


def given_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The values of the flags that were given, paths of data as absolute ones, so that they hold from any folder."""
    return {
        name: absolute_text(value) if name in DATA_PATHS else value
        for name, value in vars(arguments).items()
        if value is not None
    }


def as_typed(value: Any, name: str = "") -> str:
    """A value as it would be typed.

    Examples
    --------
    >>> as_typed((256, 192)), as_typed((0.8, 0.1, 0.1)), as_typed((0.25, 0.75), "levels"), as_typed(0.002)
    ('256x192', '0.8,0.1,0.1', '0.25:0.75', '0.002')
    """
    if isinstance(value, tuple):
        between = "x" if all(isinstance(part, int) for part in value) else ":" if name == "levels" else ","
        return between.join(as_typed(part) for part in value)
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None else str(value)
