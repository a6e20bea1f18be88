"""Stores: the decoded and preprocessed pictures of a set of pairs, kept in memory as compactly as is exact.

What doesn't fit in the memory set aside is read again whenever it is asked for, with the same result.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minunet.data.finding.matching import Pair
from minunet.data.reading.file_workers import ProgressCallback, map_files, worker_count
from minunet.data.reading.image_files import decode, decode_mask
from minunet.data.reading.pixels import fraction
from minunet.data.reading.preprocessing import Preprocessing
from minunet.errors import UserError
from minunet.resources import total_memory

SHARE = 3  # one store takes at most a third of the machine's memory; training, validation and test have one each
UNKNOWN_MEMORY = 12 * 2**30  # bytes taken for the machine's memory where it doesn't tell


@dataclass(frozen=True)
class Window:
    """A rectangle of a picture, in pixels: rows top to bottom, columns left to right, ends left out."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)"""
        return self.bottom - self.top, self.right - self.left


class Store:
    """The preprocessed images and masks of some pairs.

    Parameters
    ----------
    pairs : sequence of Pair
    preprocessing : Preprocessing
    limit : int or None
        Bytes to keep at most; None for a third of the machine's memory.

    Attributes
    ----------
    shapes : list of (H, W)
        After preprocessing; empty until loaded.
    nbytes : int
        Bytes kept.
    """

    def __init__(self, pairs: Sequence[Pair], preprocessing: Preprocessing, limit: int | None = None):
        self.pairs = tuple(pairs)
        self.preprocessing = preprocessing
        self.limit = (total_memory() or UNKNOWN_MEMORY) // SHARE if limit is None else limit
        self.shapes: list[tuple[int, int]] = []
        self.nbytes = 0
        self._counting = threading.Lock()
        self._kept: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._read_again = functools.lru_cache(maxsize=worker_count())(self._read)  # neighbouring crops share a picture

    def load(self, progress: ProgressCallback | None = None) -> None:
        """Decode and preprocess every pair.

        Raises
        ------
        UserError
            With every file that can't be read or whose mask has another size.
        """
        if self.shapes:
            return
        self._kept.clear()  # of a loading that was interrupted
        self.nbytes = 0
        results = map_files(self._load_one, range(len(self.pairs)), progress)
        problems = [problem for result in results if isinstance(result, UserError) for problem in result.problems]
        if problems:
            raise UserError(problems)
        self.shapes = results

    def get(self, index: int, window: Window | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The image (H, W, C) and mask (H, W, 1) of a pair, or a rectangle of them: float32 in [0, 1], new arrays."""
        image, mask = self._kept[index] if index in self._kept else self._read_again(index)
        rows = slice(None) if window is None else slice(window.top, window.bottom)
        columns = slice(None) if window is None else slice(window.left, window.right)
        return _expanded(image[rows, columns]), _expanded(mask[rows, columns])

    def _load_one(self, index: int) -> tuple[int, int] | UserError:
        try:
            image, mask = self._read(index)
        except UserError as error:
            return error
        size = image.nbytes + mask.nbytes
        with self._counting:
            if self.nbytes + size <= self.limit:
                self.nbytes += size
                self._kept[index] = image, mask
        return image.shape[:2]

    def _read(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        pair = self.pairs[index]
        image, mask = decode(pair.image, report=None), decode_mask(pair.mask, report=None)
        if image.shape[:2] != mask.shape[:2]:
            (height, width), (mask_height, mask_width) = image.shape[:2], mask.shape[:2]
            raise UserError(
                f"{pair.mask} has {mask_width}x{mask_height} pixels but {pair.image} has {width}x{height}: "
                "export the mask at the size of its image."
            )
        return self._compact_image(image), compact(self.preprocessing.target(mask))

    def _compact_image(self, image: np.ndarray) -> np.ndarray:
        asked = 2 if self.preprocessing.channels == "grey" else 3
        if image.dtype == np.uint8 and image.ndim == asked and self.preprocessing.size is None:
            return image.reshape(*image.shape[:2], -1)  # nothing to do to it: (H, W) -> (H, W, 1)
        return compact(self.preprocessing.image(image))


def compact(values: np.ndarray) -> np.ndarray:
    """float32 fractions of white as uint8 where `v / 255` gives back every one of them exactly, else as they are."""
    sample = values[::16, ::16]
    for part in (sample, values):  # most pictures that aren't exact show it in the sample
        bytes_ = np.rint(part * 255).astype(np.uint8)
        if not np.array_equal(fraction(bytes_, 255), part):
            return values
    return bytes_


def _expanded(values: np.ndarray) -> np.ndarray:
    return fraction(values, 255) if values.dtype == np.uint8 else values.copy()
