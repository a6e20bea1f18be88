"""Row bands: the rows of a large image that are looked at together."""

from __future__ import annotations

BAND_PIXELS = 1 << 20  # of a band


def bands_of(shape: tuple[int, int]) -> list[tuple[int, int]]:
    """[start, stop) of the rows of each band of an image (H, W), from top to bottom."""
    rows = max(1, BAND_PIXELS // shape[1])
    return [(top, min(top + rows, shape[0])) for top in range(0, shape[0], rows)]
