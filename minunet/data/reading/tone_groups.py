"""Tone groups: whether the tones of a file lie close to two levels far apart, as those of a mask with noise or blurred edges do.

The tones of a photograph are spread more widely, or their two groups are closer together.
"""

from __future__ import annotations

import numpy as np

from minunet.data.reading.threshold import between_class_variance

DISTANCE = 0.45  # of white: the means of the two groups of a mask are at least so far apart
SPREAD = 0.07  # of that distance: the standard deviation in the groups; smears have 0.10 or more


def has_two_groups(values: np.ndarray) -> bool:
    """Whether the values of one channel, or of the grey of all, are two narrow groups far apart.

    Parameters
    ----------
    values : ndarray, (pixels, channels)
        Where white is 255.
    """
    channels = np.rint(values).astype(np.uint8)
    return any(_are_two(np.bincount(channel, minlength=256)) for channel in channels.T)


def _are_two(counts: np.ndarray) -> bool:
    """Whether 256 levels, separated by Otsu's method (see `minunet.data.otsu_threshold`), are two narrow groups."""
    levels = np.flatnonzero(counts).astype(np.float64)
    counts = counts[counts > 0]
    if len(levels) < 2:
        return False
    between = between_class_variance(levels, counts)
    above = int(np.argmax(between)) + 1  # the first level of the upper group
    low, high = (np.average(levels[part], weights=counts[part]) for part in (slice(above), slice(above, None)))
    distance = high - low
    mean = np.average(levels, weights=counts)
    within = float(np.average((levels - mean) ** 2, weights=counts) - between[above - 1])
    return bool(distance >= DISTANCE * 255 and max(within, 0.0) <= (SPREAD * distance) ** 2)
