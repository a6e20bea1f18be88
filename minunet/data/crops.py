"""Crops: the rectangular parts in which images at native resolution are shown to the network.

Training uses random squares, as many of each image as would tile it. Validation and test use a fixed grid that covers every
pixel, with as little overlap as whole pixels allow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class CropWindow:
    """A rectangle of an image, in pixels: rows `top` to `bottom`, columns `left` to `right`, ends excluded."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)"""
        return self.bottom - self.top, self.right - self.left


@dataclass(frozen=True)
class Sample:
    """The origin of an element of a batch.

    Attributes
    ----------
    name : str
        The name of the pair.
    window : CropWindow or None
        The part of the image; None for the whole image.
    """

    name: str
    window: CropWindow | None = None

    def __str__(self) -> str:
        """The name, followed by rows and columns where it is a part: "smear7 [0:64, 64:128]"."""
        if self.window is None:
            return self.name
        return f"{self.name} [{self.window.top}:{self.window.bottom}, {self.window.left}:{self.window.right}]"


def crop_count(shape: tuple[int, int], side: int) -> int:
    """The number of random crops of an image in one epoch: its area divided by theirs, rounded, at least one."""
    return max(1, round(shape[0] * shape[1] / side**2))


def random_window(shape: tuple[int, int], side: int, rng: np.random.Generator) -> CropWindow:
    """A square of the given side anywhere in the image; along an axis shorter than that, the whole axis."""
    height, width = min(side, shape[0]), min(side, shape[1])
    top = int(rng.integers(0, shape[0] - height + 1))
    left = int(rng.integers(0, shape[1] - width + 1))
    return CropWindow(top, left, top + height, left + width)


def grid_windows(shape: tuple[int, int], side: int) -> list[CropWindow]:
    """Rectangles of one size that cover an image; no side is longer than `side`.

    An axis of length L is divided into n = ceil(L / side) pieces of ceil(L / n) pixels, evenly spaced: fewer than n of its L
    rows or columns are seen twice, so that scores over the pieces are close to scores over the image.
    """
    return [
        CropWindow(top, left, top + height, left + width)
        for top, height in _pieces(shape[0], side)
        for left, width in _pieces(shape[1], side)
    ]


def pad_to(array: np.ndarray, side: int) -> np.ndarray:
    """Pad an array (H, W, C) to at least side x side by mirroring it at its borders, evenly on both sides."""
    missing = [max(0, side - length) for length in array.shape[:2]]
    if not any(missing):
        return array
    return np.pad(array, [(total // 2, total - total // 2) for total in missing] + [(0, 0)], mode="reflect")


def _pieces(length: int, side: int) -> list[tuple[int, int]]:
    """Start and size of each piece along one axis."""
    count = -(-length // side)
    size = -(-length // count)
    spare = length - size
    return [(i * spare // max(1, count - 1), size) for i in range(count)]
