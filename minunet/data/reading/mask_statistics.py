"""Mask statistics: the measurements of a decoded mask, with the counts of its values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from minunet.data.reading.file_statistics import FileStatistics, measure_pixels
from minunet.data.reading.mask_counts import MaskCounts
from minunet.data.reading.stored_mask import StoredMask
from minunet.errors import UserError


def measure_stored_mask(statistics: FileStatistics, stored: StoredMask) -> FileStatistics:
    """Add the measurements of a decoded mask to what is known about its file.

    Its tones and its digest are those of the picture that it shows, so that they equal those of older versions.
    """
    try:
        shown = stored.shown()
        if shown.dtype not in (np.uint8, np.uint16):
            shown = _as_tones(shown)
    except UserError:  # numbers that no picture shows
        shown = _as_tones(stored.values)
    measured = measure_pixels(statistics, np.ascontiguousarray(shown), mask=True)
    return replace(measured, maximum=int(stored.values.max()), counts=MaskCounts.of(stored), remarks=stored.remarks)


def _as_tones(values: np.ndarray) -> np.ndarray:
    """Numbers of any type as uint16, the largest as white."""
    wide = values.astype(np.float64)
    low, high = min(0.0, float(wide.min())), float(wide.max())
    return np.rint((wide - low) * (65535 / max(high - low, 1e-30))).clip(0, 65535).astype(np.uint16)
