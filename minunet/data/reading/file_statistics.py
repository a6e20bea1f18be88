"""File statistics: what is known about an image or mask file after decoding it once, without keeping its pixels.

They are enough to judge a whole data set: sizes, copies, swapped folders, masks that number cells, the range of the values.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from minunet.data.reading.image_header import ImageHeader
from minunet.data.reading.mask_counts import MaskCounts
from minunet.data.reading.numbered_cells import CellRemarks
from minunet.data.reading.open_images import open_image
from minunet.data.reading.pixels import as_16_bits, grey_if_equal, to_grey, white_level
from minunet.data.reading.tone_groups import has_two_groups
from minunet.data.reading.value_distribution import ValueDistribution
from minunet.errors import UserError

SAMPLE_LENGTH = 400  # tones are measured on at most about this many rows and columns


@dataclass(frozen=True)
class FileStatistics:
    """Statistics of one file.

    Attributes
    ----------
    path : Path
    header : ImageHeader or None
        None where it can't be read.
    problem : str or None
        Why the image can't be used.
    other_problems : tuple of str
        More reasons, where a mask has several files.
    digest : str
        Hash of the decoded pixels, the same for copies in any lossless format; "" where they can't be read.
    maximum : int
        The largest value.
    white : int
        The value of white: 255 or 65535; 1 for other numbers, whose tones are measured between the smallest and the largest.
    constant : bool
        Whether all values are equal.
    levels : int
        The number of different grey levels in a sample, quantised to 256.
    concentration : float
        The share of the sample within 2 levels of its two most frequent grey levels.
    black_share : float
        The share of the sample at the lowest grey levels, 0 to 2.
    two_groups : bool
        Whether its tones lie close to two levels far apart, as those of a mask do.
    colourfulness : float
        The mean difference between the largest and the smallest channel, where white is 255.
    mean_colour : tuple of int
        Mean red, green and blue, where white is 255.
    counts : MaskCounts or None
        The values of a mask, by which a set of masks is read; None for images.
    remarks : CellRemarks or None
        What was noticed when a mask was put together from single cells.
    grey_share : float
        The share of a mask's pixels that are neither black nor white; 0 for images.
    values : ValueDistribution or None
        How an image's values are distributed; None for masks.
    former_digest : str
        The digest in versions that read wide numbers and deep colour as 8 or 16 bits; "" where it is the same.
    """

    path: Path
    header: ImageHeader | None = None
    problem: str | None = None
    digest: str = ""
    maximum: int = 0
    white: int = 255
    constant: bool = False
    levels: int = 0
    concentration: float = 1.0
    black_share: float = 0.0
    two_groups: bool = False
    colourfulness: float = 0.0
    mean_colour: tuple[int, int, int] = (0, 0, 0)
    counts: MaskCounts | None = None
    grey_share: float = 0.0
    values: ValueDistribution | None = None
    former_digest: str = ""
    remarks: CellRemarks | None = None
    other_problems: tuple[str, ...] = ()


def measure_file(path: Path, *, mask: bool = False) -> FileStatistics:
    """Decode one file and measure it; what is wrong with it is reported in `FileStatistics.problem`."""
    statistics = FileStatistics(path)
    try:
        with open_image(path) as image:
            statistics = replace(statistics, header=image.header)
            array = image.pixels(mask=mask)
    except UserError as error:
        return replace(statistics, problem=error.problems[0])
    return measure_pixels(statistics, array, mask=mask)


def measure_pixels(statistics: FileStatistics, array: np.ndarray, *, mask: bool = False) -> FileStatistics:
    """Add the measurements of decoded pixels, (H, W) or (H, W, C), to what is known about their file."""
    step = max(1, max(array.shape[:2]) // SAMPLE_LENGTH)
    sample = array[::step, ::step]
    tones = _tones(sample)
    white = white_level(tones.dtype)
    channels = 3 if tones.ndim == 3 else 1
    colours = (tones.reshape(-1, channels) * (255.0 / white)).astype(np.float32)  # (pixels, channels)
    counts = np.bincount(np.rint(to_grey(tones) * 255).astype(np.uint8).ravel(), minlength=256)
    red, green, blue = (int(round(float(value))) for value in np.broadcast_to(colours.mean(axis=0), 3))
    maximum = int(array.max())
    return replace(
        statistics,
        digest=_digest(array),
        maximum=maximum,
        white=white,
        constant=bool((sample == sample[0, 0]).all()) and bool((array == array[0, 0]).all()),
        levels=int(np.count_nonzero(counts)),
        concentration=_concentration(counts),
        black_share=float(counts[:3].sum() / counts.sum()),
        two_groups=has_two_groups(colours),
        colourfulness=float((colours.max(axis=1) - colours.min(axis=1)).mean()),
        mean_colour=(red, green, blue),
        grey_share=grey_share(array) if mask else 0.0,
        values=None if mask else ValueDistribution.of(array, sample),
        former_digest="" if mask else _former_digest(array),
    )


def grey_share(mask: np.ndarray) -> float:
    """The share of a mask's pixels that are neither black nor white; a mask of only 0 and 1 has none.

    Parameters
    ----------
    mask : ndarray, (H, W) or (H, W, 3), uint8 or uint16
    """
    if mask.ndim == 3 or mask.dtype.kind == "f":
        values = to_grey(_tones(mask))
        return float(np.count_nonzero((values > 0) & (values < 1)) / values.size)
    if mask.max() == 1:
        return 0.0
    return float(np.count_nonzero((mask > 0) & (mask < white_level(mask.dtype))) / mask.size)


def _tones(sample: np.ndarray) -> np.ndarray:
    """Grey or colours of which white is known: the values themselves, or other numbers as shares of their range."""
    if sample.dtype in (np.uint8, np.uint16) and sample.shape[2:] in ((), (3,)):
        return sample
    values = sample.astype(np.float64)
    low, high = values.min(), values.max()
    values = (values - low) / (high - low) if high > low else np.zeros(values.shape)
    return values if values.shape[2:] in ((), (3,)) else values.mean(axis=2)


def _concentration(counts: np.ndarray) -> float:
    """The share of pixels within 2 levels of the most frequent level, and within 2 of the most frequent of the rest."""
    counts = counts.copy()
    near_peaks = 0
    total = counts.sum()
    for _ in range(2):
        peak = int(counts.argmax())
        near = slice(max(0, peak - 2), peak + 3)
        near_peaks += counts[near].sum()
        counts[near] = 0
    return float(near_peaks / total)


def _former_digest(array: np.ndarray) -> str:
    if array.dtype == np.uint16 and array.ndim == 3:
        return _digest(grey_if_equal((array >> 8).astype(np.uint8)))
    try:
        return "" if array.dtype in (np.uint8, np.uint16) else _digest(as_16_bits(array))
    except UserError:
        return ""


def _digest(array: np.ndarray) -> str:
    digest = hashlib.blake2b(f"{array.shape} {array.dtype}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
