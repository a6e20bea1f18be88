"""Discs, ellipses and labels with known answers."""

import numpy as np


def disc(shape, y, x, radius):
    """A disc, (H, W) bool."""
    rows, columns = np.indices(shape)
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


def ellipse(shape, y, x, a, b, angle=0.0):
    """An ellipse of the half axes a and b, whose long axis is turned by `angle` from the rows' direction, (H, W) bool."""
    rows, columns = np.indices(shape)
    u = (columns - x) * np.cos(angle) + (rows - y) * np.sin(angle)
    v = (rows - y) * np.cos(angle) - (columns - x) * np.sin(angle)
    return (u / a) ** 2 + (v / b) ** 2 <= 1


def random_labels(rng, shape=(24, 30), count=9):
    """Rectangles that cover each other, with gaps in the numbers."""
    labels = np.zeros(shape, np.int32)
    for number in rng.permutation(3 * count)[:count] + 1:
        top, left = rng.integers(0, shape[0] - 3), rng.integers(0, shape[1] - 3)
        labels[top : top + rng.integers(2, 9), left : left + rng.integers(2, 9)] = number
    return labels
