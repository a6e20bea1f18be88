"""Tone groups: whether the tones of a file lie close to two levels far apart, as those of a mask with noise or blurred edges do.

The tones of a photograph are spread more widely, or their two groups are closer together.
"""

from __future__ import annotations

import numpy as np

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
    levels, total = np.arange(256.0), counts.sum()
    below, moment = np.cumsum(counts) / total, np.cumsum(counts * levels) / total
    mean = float(moment[-1])
    cuts = np.flatnonzero((below[:-1] > 0) & (counts.sum() > np.cumsum(counts)[:-1]))
    if len(cuts) == 0:
        return False
    between = (mean * below[cuts] - moment[cuts]) ** 2 / (below[cuts] * (1 - below[cuts]))
    best = int(np.argmax(between))
    share, part = below[cuts[best]], moment[cuts[best]]
    distance = (mean - part) / (1 - share) - part / share
    within = float((counts * (levels - mean) ** 2).sum() / total - between[best])
    return bool(distance >= DISTANCE * 255 and max(within, 0.0) <= (SPREAD * distance) ** 2)
