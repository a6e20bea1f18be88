"""The labels file, NAME_labels.tif: the number of the cell at each pixel, as ImageJ, QuPath, napari and Cellpose read it."""

from __future__ import annotations

import io

import numpy as np

from minunet.cell_packages import require

MOST_16_BIT = 2**16 - 1  # cells


def labels_tiff(labels: np.ndarray, pixel_size: float | None = None) -> bytes:
    """Encode labels as a TIFF: 16 bits a pixel, 32 where there are more than 65,535 cells; compressed without loss.

    Parameters
    ----------
    labels : ndarray, (H, W) int
        Not negative.
    pixel_size : float, optional
        The side of a pixel in micrometres, stored as the resolution.
    """
    resolution = None if pixel_size is None else (1e4 / pixel_size, 1e4 / pixel_size)
    options = {} if resolution is None else {"resolution": resolution, "resolutionunit": "CENTIMETER"}
    buffer = io.BytesIO()
    require("tifffile").imwrite(
        buffer, narrow_labels(labels), compression="zlib", photometric="minisblack", software="minunet", **options
    )
    return buffer.getvalue()


def narrow_labels(labels: np.ndarray) -> np.ndarray:
    """The labels as uint16, or uint32 where their numbers need it."""
    return labels.astype(np.uint16 if int(labels.max(initial=0)) <= MOST_16_BIT else np.uint32)
