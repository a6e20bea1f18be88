"""The target of a training: cells or pixels, as the user says, or else what the masks and the installed packages allow.

To learn cells, masks must number them, or have gaps between them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from minunet.cell_packages import missing_packages
from minunet.cells.cell_settings import CellSettings
from minunet.cells.watershed import find_cells
from minunet.data.mask_cells import cells_of_mask
from minunet.data.pairs import Pair
from minunet.data.reading.pair_files import read_mask
from minunet.errors import UserError
from minunet.runs.train_config import TrainConfig

MOST_MASKS = 10  # that are looked at, taken evenly from all
# A watershed that only cuts where there is a distinct neck finds so many more cells than there are regions.
MOST_CUTS = 0.05
DISTINCT = CellSettings(seed_height=0.15)

IN_WORDS = {
    "distance": "the distance to the border of each cell",
    "centre": "the middle of each cell",
    "seam": "the seams between cells",
}


def with_target(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that the user gave; who says what separates cells wants cells."""
    return {"target": "cells", **given} if "separation" in given else dict(given)


def target_problems(config: TrainConfig, *, separated: bool = False) -> list[str]:
    """Why this target cannot be learned on this machine, as sentences; `separated`: the user said what separates cells."""
    if config.target != "cells":
        return ["--separation separates cells: leave it out, or train with --target cells."] if separated else []
    problems = []
    if config.mask == "grayscale":
        problems.append("--target cells and --mask grayscale exclude each other: cells have no greys.")
    if missing := missing_packages():
        problems.append(f"--target cells: {missing}.")
    return problems


def choose_target(config: TrainConfig, pairs: Sequence[Pair], *, given: bool) -> tuple[TrainConfig, str]:
    """Decide what is learned.

    Parameters
    ----------
    config : TrainConfig
        With the reading of its masks.
    pairs : sequence of Pair
        Of the training.
    given : bool
        Whether the user named the target of `config`.

    Returns
    -------
    config : TrainConfig
        With the target.
    words : str
        What is learned, and why, for a message.

    Raises
    ------
    UserError
        If the user wants cells, and they cannot be learned.
    """
    wanted = config if given else replace(config, target="cells")
    if wanted.target == "pixels":
        return wanted, describe_target(wanted)
    if given:
        problems = target_problems(wanted)
        if not problems and (reason := why_no_cells(wanted, pairs)):
            problems = [f"--target cells: {reason}; number the cells in the masks, or train with --target pixels."]
        if problems:
            raise UserError(problems)
        return wanted, describe_target(wanted)
    why = "masks with greys have no cells" if config.mask == "grayscale" else missing_packages()
    why = why or why_no_cells(wanted, pairs)
    if why is None:
        return wanted, describe_target(wanted)
    pixels = replace(config, target="pixels")
    return pixels, f"{describe_target(pixels)}; {why}"


def drawn_target(config: TrainConfig) -> TrainConfig:
    """The settings with the target that `choose_target` will decide for, before its smears are drawn: these number their cells."""
    wanted = replace(config, target="cells")
    return replace(config, target="pixels") if target_problems(wanted) else wanted


def describe_target(config: TrainConfig) -> str:
    """What is learned, in words."""
    what = "cell or not" if config.classes is None else "the class"
    if config.target == "pixels":
        return f"{what}, pixel by pixel"
    return f"cells: {what}, and {IN_WORDS[config.separation]}, which separates cells that touch"


def why_no_cells(config: TrainConfig, pairs: Sequence[Pair]) -> str | None:
    """Why the masks do not tell cells that touch apart; None where they do."""
    if config.reading is not None and config.reading.numbered:
        return None
    preprocessing = config.preprocessing()
    places = np.linspace(0, len(pairs) - 1, min(len(pairs), MOST_MASKS)).round().astype(int)
    regions, cut = 0, 0
    for place in places:
        cells = cells_of_mask(read_mask(pairs[place]), preprocessing)
        regions += int(cells.labels.max(initial=0))
        cut += int(find_cells((cells.labels > 0).astype(np.float32), DISTINCT).max(initial=0))
    if not regions:
        return "the masks have no cells"
    if cut > (1 + MOST_CUTS) * regions:
        return "the masks neither number their cells nor have gaps between cells that touch"
    return None
