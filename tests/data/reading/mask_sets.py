"""Sets of masks in every form that people store them in, drawn from scratch, each with the truth that it was drawn from.

A set is a list of `StoredMask` files on disk and, for each, the cells as a boolean array.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from minunet.data.finding.matching import Pair
from minunet.data.reading.chosen_reading import choose_reading
from minunet.data.reading.mask_choice import MaskChoice
from minunet.data.reading.mask_counts import MaskCounts
from minunet.data.reading.pair_files import read_mask
from minunet.data.reading.preprocessing import Preprocessing

SIZE = (96, 72)  # width and height
MASKS = 4


def drawn_labels(seed: int, size: tuple[int, int] = SIZE, radius: int = 7, most: int = 12, gap: int = 3) -> np.ndarray:
    """Discs that do not touch, numbered from 1: (H, W) int64."""
    rng = np.random.default_rng(seed)
    width, height = size
    rows, columns = np.mgrid[:height, :width]
    labels, centres = np.zeros((height, width), np.int64), []
    for row, column in rng.uniform(0, 1, (400, 2)) * (height, width):
        if len(centres) == most:
            break
        if all((row - a) ** 2 + (column - b) ** 2 > (2 * radius + gap) ** 2 for a, b in centres):
            centres.append((row, column))
            labels[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = len(centres)
    return labels


def blurred(cell: np.ndarray, factor: int = 5) -> np.ndarray:
    """Shares of cell, in [0, 1], of a mask drawn `factor` times as large: what resizing makes of its edges."""
    height, width = cell.shape[0] // factor, cell.shape[1] // factor
    return cell.reshape(height, factor, width, factor).mean(axis=(1, 3))


def large(seed: int) -> np.ndarray:
    """Labels at five times the size, for `blurred`."""
    return drawn_labels(seed, (5 * SIZE[0], 5 * SIZE[1]), 35, gap=20)


def write_set(
    folder: Path, write: Callable[[Path, int], np.ndarray], count: int = MASKS
) -> tuple[list[Pair], list[np.ndarray]]:
    """Pairs whose masks `write(path without ending, seed)` writes; it returns the cells, and chooses the ending."""
    folder.mkdir(exist_ok=True)
    pairs, truths = [], []
    for seed in range(count):
        truths.append(write(folder / f"m{seed}", seed))
        (file,) = folder.glob(f"m{seed}.*")
        pairs.append(Pair(f"m{seed}", file, file))
    return pairs, truths


def chosen(pairs: list[Pair], **said):
    """The reading that is chosen for the masks of some pairs."""
    return choose_reading(
        [MaskCounts.of(read_mask(pair)) for pair in pairs], MaskChoice(**said), [pair.name for pair in pairs]
    )


def overlap(pairs: list[Pair], truths: list[np.ndarray], reading) -> float:
    """The smallest IoU of the targets with the truth."""
    preprocessing = Preprocessing(reading=reading)
    values = []
    for pair, truth in zip(pairs, truths, strict=True):
        target = preprocessing.target(read_mask(pair))[..., 0]
        cell, counted = target == 1, target >= 0
        values.append((cell & truth & counted).sum() / max(1, ((cell | truth) & counted).sum()))
    return float(min(values))


def save_array(path: Path, array: np.ndarray, ending: str = ".png", **options) -> None:
    """Write an array with Pillow, by a file name without its ending."""
    Image.fromarray(array).save(path.with_name(path.name + ending), **options)


def save_tiff(path: Path, array: np.ndarray, **options) -> None:
    """Write an array with tifffile."""
    tifffile.imwrite(path.with_name(path.name + ".tif"), array, **options)
