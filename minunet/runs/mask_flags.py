"""The mask flags: what evaluate and compare are told of masks, with the same flags as train."""

from __future__ import annotations

import argparse

from minunet.data.reading.mask_choice import MaskChoice
from minunet.runs.setting_flags import add_setting_flags
from minunet.runs.train_config import TrainConfig


def add_mask_flags(group: argparse._ActionsContainer) -> None:
    """Add --cell, --classes, --ignore and --invert-masks; the value of a flag that was not given is None."""
    add_setting_flags(group, ("cell", "classes", "ignore", "invert_masks"), TrainConfig())


def mask_choice(arguments: argparse.Namespace, command: str) -> MaskChoice:
    """What these flags say; `command` is what messages show with other flags behind it."""
    return MaskChoice(
        arguments.cell, arguments.ignore, bool(arguments.invert_masks), command=command, classes=arguments.classes
    )
