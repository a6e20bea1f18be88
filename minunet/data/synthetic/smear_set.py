"""A set of smears on disk: images/, masks/ and instances/ of the same names, and cells.csv with what each instance is.

It appears whole or not at all: it is written beside its final place and moved there at the end.
"""

from __future__ import annotations

import csv
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from minunet.data.synthetic.smear import SMALLEST_SIDE, Smear, draw_smear
from minunet.errors import UserError
from minunet.files.folders import missing_folders, remove_empty, unwritable

PARTS = ("images", "masks", "instances")
TABLE = "cells.csv"
COLUMNS = ("image", "instance", "kind", "shape", "pixels")


def write_set(
    folder: str | os.PathLike,
    count: int,
    size: tuple[int, int] = (256, 256),
    seed: int = 0,
    progress: bool = False,
) -> list[str]:
    """Draw smears and write them as a set to train on.

    Parameters
    ----------
    folder : path
        Made if missing. Gets `images/NAME.png` (RGB), `masks/NAME.png` (8-bit, 0 or 255), `instances/NAME.png` (16-bit, the
        number of the cell at each pixel) and `cells.csv` (a row per cell: image, instance, kind, shape, visible pixels).
    count : int
        How many smears, 1 at least.
    size : (width, height)
        In pixels, 16 at least.
    seed : int
        Smear i depends on the seed, i and the size alone: a larger set of the same seed begins with the smaller one.
    progress : bool
        Show a bar with the time left.

    Returns
    -------
    list of str
        The names, as "smear_0000".

    Raises
    ------
    UserError
        With every problem: a count or size too small, a set that is already there, a folder that cannot be written.
    """
    folder = Path(folder)
    problems = set_problems(folder)
    if count < 1:
        problems.append(f"count {count}: draw at least one smear")
    if min(size) < SMALLEST_SIDE:
        problems.append(f"size {size[0]}x{size[1]}: a smear is at least {SMALLEST_SIDE} pixels wide and high")
    if seed < 0:
        problems.append(f"seed {seed}: a seed is 0 or more")
    if problems:
        raise UserError(problems)
    made = missing_folders(folder)
    draft, moved = None, []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=folder))
        names = _draw(draft, count, size, seed, progress)
        for part in (*PARTS, TABLE):
            if (folder / part).is_dir():
                (folder / part).rmdir()  # empty, or set_problems had refused it
            os.replace(draft / part, folder / part)
            moved.append(folder / part)
        draft.rmdir()
    except BaseException as error:
        for path in (*moved, draft):
            if path is not None and path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
        remove_empty(made)
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            raise UserError(f"{folder}: the set could not be written ({reason}); name another folder") from error
        raise
    return names


def set_problems(folder: str | os.PathLike) -> list[str]:
    """Why a set cannot be written to `folder`: one sentence, or none where it can."""
    folder = Path(folder)
    obstacle = unwritable(folder)
    if obstacle:
        return [obstacle]
    taken = [part for part in (*PARTS, TABLE) if _taken(folder / part)]
    if taken:
        return [
            f"{folder}: already holds {', '.join(taken)}, and a set is never overwritten; remove it or name another folder"
        ]
    return []


def _taken(path: Path) -> bool:
    return any(path.iterdir()) if path.is_dir() else os.path.lexists(path)


def _draw(draft: Path, count: int, size: tuple[int, int], seed: int, progress: bool) -> list[str]:
    for part in PARTS:
        (draft / part).mkdir()
    names = []
    with open(draft / TABLE, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for index in tqdm(range(count), desc="smears", unit="smear", disable=not progress):
            smear = draw_smear(np.random.default_rng([seed, index]), size)
            name = f"smear_{index:04d}"
            _write(draft, name, smear)
            pixels = np.bincount(smear.instances.ravel(), minlength=len(smear.kinds) + 1)
            table.writerows((name, i, smear.kinds[i], smear.shapes[i], int(pixels[i])) for i in smear.kinds)
            names.append(name)
    return names


def _write(draft: Path, name: str, smear: Smear) -> None:
    pictures = (smear.image, smear.mask.astype(np.uint8) * 255, smear.instances.astype(np.uint16))
    for part, pixels in zip(PARTS, pictures, strict=True):
        # Noise hardly compresses: the fastest setting makes images a tenth larger in less than half of the time.
        Image.fromarray(pixels).save(draft / part / f"{name}.png", compress_level=1)
