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
WHITE, BLACK, GREY = (255, 255, 255), (0, 0, 0), (128, 128, 128)
VOC = np.random.default_rng(1).integers(1, 255, (256, 3)).astype(np.uint8)
WHITE_FIRST = np.concatenate([[[255, 255, 255]], VOC[1:]]).astype(np.uint8)


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


def stored(function, *, tiff=False, ending=".png", truth=lambda labels: labels > 0, palette=None, **options):
    """A writer of masks that stores `function(labels)`."""

    def write(path, seed):
        labels = drawn_labels(seed)
        values = np.asarray(function(labels))
        if tiff:
            save_tiff(path, values, **options)
        elif palette is not None:
            image = Image.fromarray(values.astype(np.uint8))
            image.putpalette(palette.ravel().tolist())
            image.save(path.with_name(path.name + ending))
        else:
            save_array(path, values, ending, **options)
        return truth(labels)

    return write


def soft(function, *, ending=".png"):
    """A writer of masks that were drawn larger and averaged; `function(labels)` gives floats, in one or three channels."""

    def write(path, seed):
        labels = large(seed)
        values = function(labels)
        channels = values if values.ndim == 3 else values[..., None]
        averaged = np.stack([blurred(channels[..., channel]) for channel in range(channels.shape[2])], axis=-1)
        save_array(path, np.rint(averaged if values.ndim == 3 else averaged[..., 0]).astype(np.uint8), ending)
        return blurred(labels > 0) > 0.5

    return write


def painted(background, colour):
    """Colours, (H, W, 3) floats: `colour(number)` gives that of a cell."""

    def paint(labels):
        values = np.empty((*labels.shape, 3))
        values[:] = background
        for number in range(1, labels.max() + 1):
            values[labels == number] = colour(number)
        return values

    return paint


def own(number):
    """A colour for each cell."""
    return np.random.default_rng(number).integers(30, 220, 3)


def of_class(number):
    """One of two colours for each cell."""
    return [(255, 0, 0), (0, 0, 255)][number % 2]


def coloured(background, colour):
    """Colours, (H, W, 3) uint8, as `painted` gives them."""
    return lambda labels: painted(background, colour)(labels).astype(np.uint8)


def two(low, high, dtype=np.uint8):
    """Masks of two values."""
    return lambda labels: np.where(labels > 0, high, low).astype(dtype)
