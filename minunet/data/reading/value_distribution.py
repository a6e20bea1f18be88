"""Value distributions: how the values of an image are distributed, in few numbers, and the percentiles of many images together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minunet.data.reading.channels import luma

# Shares of the pixels whose values are kept: dense at both ends, where a range of images begins and ends.
_END = (0.0, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 3e-3, 5e-3, 7e-3)
SHARES = np.array([*_END, *np.arange(1, 100) / 100, *(1 - share for share in reversed(_END))])
_DIGITS = 12  # of the span of the values, to which a percentile is rounded
_HALVINGS = 60  # after which an interval is as small as the rounding of its ends


@dataclass(frozen=True, eq=False)
class ValueDistribution:
    """The distribution of the values of one image.

    Attributes
    ----------
    dtype : str
        The type of its numbers, such as "uint16".
    pixels : int
    channels : ndarray, (C, K) float64
        For each channel the values below which each of `SHARES` of its pixels lie; the first and the last are the smallest and
        the largest value of the image.
    grey : ndarray, (K,) float64
        The same of its grey, in the units of the image.
    """

    dtype: str
    pixels: int
    channels: np.ndarray
    grey: np.ndarray

    @classmethod
    def of(cls, array: np.ndarray, sample: np.ndarray) -> ValueDistribution:
        """Measure an image (H, W) or (H, W, C); all but its smallest and largest values on some of its pixels, the sample."""
        every, some = (part.reshape(*part.shape[:2], -1) for part in (array, sample))
        channels = np.stack(
            [_distribution(every[..., channel], some[..., channel]) for channel in range(every.shape[2])]
        )
        grey = _distribution(None, luma(some)) if some.shape[2] == 3 else channels[0]
        return cls(str(array.dtype), every.shape[0] * every.shape[1], channels, grey)


def pooled_percentile(distributions: Sequence[np.ndarray], pixels: Sequence[float], share: float) -> float:
    """The value below which a share of the pixels of many images lies.

    Parameters
    ----------
    distributions : sequence of (K,) arrays
        The values at `SHARES` of each image; between them they count as evenly distributed.
    pixels : sequence of float
        The pixels of each image, by which it weighs.
    share : float
        From 0 to 1.
    """
    values = np.stack(distributions)  # (N, K)
    weights = np.asarray(pixels, np.float64) / sum(pixels)
    if share in (0.0, 1.0):
        return float(values[:, 0].min() if share == 0 else values[:, -1].max())
    low, high = float(values[:, 0].min()), float(values[:, -1].max())
    decimals = 0 if low == high else _DIGITS - math.ceil(math.log10(high - low))
    for _ in range(_HALVINGS):
        middle = low + (high - low) / 2
        if float(weights @ _share_below(values, middle)) < share:
            low = middle
        else:
            high = middle
    return round(high, decimals)


def _distribution(every: np.ndarray | None, sample: np.ndarray) -> np.ndarray:
    ordered = np.sort(sample, axis=None).astype(np.float64)
    places = SHARES * (len(ordered) - 1)
    before = np.floor(places).astype(np.intp)
    after = np.minimum(before + 1, len(ordered) - 1)
    values = ordered[before] + (places - before) * (ordered[after] - ordered[before])
    if every is not None:
        values[0], values[-1] = every.min(), every.max()
    return values


def _share_below(values: np.ndarray, value: float) -> np.ndarray:
    """For each of N images (N, K) the share of its pixels up to a value: (N,)."""
    above = np.minimum((values <= value).sum(axis=1), values.shape[1] - 1)  # the first place whose value is larger
    rows = np.arange(len(values))
    right, left = values[rows, above], values[rows, np.maximum(above - 1, 0)]
    part = np.divide(value - left, right - left, out=np.zeros(len(values)), where=right > left)
    inside = SHARES[np.maximum(above - 1, 0)] + np.clip(part, 0, 1) * (SHARES[above] - SHARES[np.maximum(above - 1, 0)])
    return np.where(value < values[:, 0], 0.0, np.where(value >= values[:, -1], 1.0, inside))
