"""Crops: the pieces in which pictures at native resolution are shown to the network.

Training sees random squares, as many of each picture as would tile it; validation and test see a fixed grid that covers
every pixel, with as little seen twice as whole pixels allow.
"""

from __future__ import annotations

import numpy as np

from minunet.data.image_store import Window


def crop_count(shape: tuple[int, int], side: int) -> int:
    """How many random crops an epoch takes from a picture: its area over theirs, rounded, at least one."""
    return max(1, round(shape[0] * shape[1] / side**2))


def random_window(shape: tuple[int, int], side: int, rng: np.random.Generator) -> Window:
    """A square of the given side anywhere in the picture; along an axis shorter than that, all of the picture."""
    height, width = min(side, shape[0]), min(side, shape[1])
    top = int(rng.integers(0, shape[0] - height + 1))
    left = int(rng.integers(0, shape[1] - width + 1))
    return Window(top, left, top + height, left + width)


def grid_windows(shape: tuple[int, int], side: int) -> list[Window]:
    """Rectangles of one size, no side longer than asked, that cover a picture.

    An axis of length L is cut into n = ceil(L / side) pieces of ceil(L / n) pixels, spread evenly: fewer than n of its L
    rows or columns are seen twice, so scores over the pieces are scores over the picture.
    """
    return [
        Window(top, left, top + height, left + width)
        for top, height in _pieces(shape[0], side)
        for left, width in _pieces(shape[1], side)
    ]


def pad_to(array: np.ndarray, side: int) -> np.ndarray:
    """Grow an array (H, W, C) to at least side x side by mirroring it at its borders, evenly on both sides."""
    missing = [max(0, side - length) for length in array.shape[:2]]
    if not any(missing):
        return array
    return np.pad(array, [(total // 2, total - total // 2) for total in missing] + [(0, 0)], mode="reflect")


def _pieces(length: int, side: int) -> list[tuple[int, int]]:
    count = -(-length // side)
    size = -(-length // count)
    spare = length - size
    return [(i * spare // max(1, count - 1), size) for i in range(count)]
