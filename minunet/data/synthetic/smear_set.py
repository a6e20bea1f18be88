"""A set of smears on disk: images/, masks/, instances/ and classes/ with files of the same names, and cells.csv, a row per cell.

It is written completely or not at all: first beside its final place, and moved there at the end.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from minunet.data.class_colours import class_colours
from minunet.data.synthetic.drawn_class import DrawnClass
from minunet.data.synthetic.smear import Smear, draw_smear, drawing_problems
from minunet.errors import UserError
from minunet.files.lock import FolderLock
from minunet.files.whole_set import remove_remains, whole_set_problems, written_whole
from minunet.progress_bars import bar_class

PARTS = ("images", "masks", "instances", "classes")
TABLE = "cells.csv"
COLUMNS = ("image", "instance", "kind", "shape", "pixels")


def write_set(
    folder: str | os.PathLike,
    count: int,
    size: tuple[int, int] = (256, 256),
    seed: int = 0,
    progress: bool = False,
    variety: str = "mild",
    diameter: float | None = None,
) -> list[str]:
    """Draw smears and write them as a set to train on.

    Parameters
    ----------
    folder : path
        Created if missing. It gets `images/NAME.png` (RGB), `masks/NAME.png` (8-bit, 0 or 255), `instances/NAME.png` (16-bit, the
        number of the cell at each pixel), `classes/NAME.png` (the `DrawnClass` of each pixel, with a palette) and `cells.csv` (a
        row per cell: image, instance, kind, shape, visible pixels).
    count : int
        The number of smears, at least 1.
    size : (width, height)
        In pixels, at least 16.
    seed : int
        Smear i depends only on the seed, i and the size: a larger set of the same seed begins with the smaller one.
    progress : bool
        Show a progress bar on stderr.
    variety : "mild" or "wide"
        How much the smears differ from each other.
    diameter : float, optional
        Of a red cell in pixels, on average; by default it depends on the size.

    Returns
    -------
    list of str
        The names, such as "smear_0000".

    Raises
    ------
    UserError
        With every problem: a count or size too small, a set that is already there, a folder that cannot be written.
    """
    folder = Path(folder)
    problems = set_problems(folder)
    if count < 1:
        problems.append(f"count {count}: draw at least one smear.")
    problems += [f"{text}." for text in drawing_problems(size, variety, diameter).values()]
    if seed < 0:
        problems.append(f"seed {seed}: a seed is 0 or more.")
    if problems:
        raise UserError(problems)
    with FolderLock(folder):
        remove_unfinished(folder)
        if problems := set_problems(folder):  # another process was faster
            raise UserError(problems)
        with written_whole(folder, (*PARTS, TABLE)) as draft:
            return _draw(
                draft, count, seed, progress, partial(draw_smear, size=size, variety=variety, diameter=diameter)
            )


def set_problems(folder: str | os.PathLike) -> list[str]:
    """Why a set cannot be written to `folder`: one sentence, or none where it can."""
    return whole_set_problems(folder, (*PARTS, TABLE))


def remove_unfinished(folder: str | os.PathLike) -> None:
    """Remove what a process that was killed left of a set; only where no other process is drawing there."""
    remove_remains(folder, (*PARTS, TABLE))


def is_whole(folder: str | os.PathLike) -> bool:
    """Whether a set was written to the end."""
    return (Path(folder) / TABLE).is_file()


def _draw(
    draft: Path, count: int, seed: int, progress: bool, draw: Callable[[np.random.Generator], Smear]
) -> list[str]:
    for part in PARTS:
        (draft / part).mkdir()
    names = []
    with open(draft / TABLE, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        indices = bar_class()(range(count), desc="smears", unit="smear") if progress else range(count)
        for index in indices:
            smear = draw(np.random.default_rng([seed, index]))
            name = f"smear_{index:04d}"
            _write(draft, name, smear)
            pixels = np.bincount(smear.instances.ravel(), minlength=len(smear.kinds) + 1)
            table.writerows((name, i, smear.kinds[i], smear.shapes[i], int(pixels[i])) for i in smear.kinds)
            names.append(name)
    return names


def _write(draft: Path, name: str, smear: Smear) -> None:
    classes = Image.fromarray(smear.classes)
    classes.putpalette(class_colours(len(DrawnClass)).tobytes())
    pictures = (
        Image.fromarray(smear.image),
        Image.fromarray(smear.mask.astype(np.uint8) * 255),
        Image.fromarray(smear.instances.astype(np.uint16)),
        classes,
    )
    for part, picture in zip(PARTS, pictures, strict=True):
        # Noise is hard to compress: the fastest setting takes less than half of the time for files a tenth larger.
        picture.save(draft / part / f"{name}.png", compress_level=1)
