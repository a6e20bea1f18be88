"""The labels file, NAME_labels.tif: the number of the cell at each pixel, as ImageJ, QuPath, napari and Cellpose read it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from minunet.cell_packages import require
from minunet.files.disk_array import DiskArray

TILE = 512  # pixels, of a file that is written by tiles
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


def write_labels_tiff(
    path: Path, labels: DiskArray, cells: int, pixel_size: float | None = None, ome_name: str | None = None
) -> None:
    """Write labels that are too large for memory to a TIFF of tiles.

    Parameters
    ----------
    path : Path
    labels : DiskArray
    cells : int
        How many there are.
    pixel_size : float, optional
        The side of a pixel in micrometres, stored as the resolution.
    ome_name : str, optional
        The name of the image in an OME-TIFF; None: a plain TIFF.
    """
    height, width = labels.shape
    dtype = np.dtype(np.uint16 if cells <= MOST_16_BIT else np.uint32)

    def tiles() -> Iterator[np.ndarray]:
        for top in range(0, height, TILE):
            rows = labels.crop(top, top + TILE).astype(dtype)
            for left in range(0, width, TILE):
                tile = np.zeros((TILE, TILE), dtype)
                part = rows[:, left : left + TILE]
                tile[: part.shape[0], : part.shape[1]] = part
                yield tile

    options: dict[str, Any] = {}
    if ome_name is not None:
        options["metadata"] = ome_metadata(ome_name, pixel_size)
    elif pixel_size is not None:
        options = {"resolution": (1e4 / pixel_size, 1e4 / pixel_size), "resolutionunit": "CENTIMETER"}
    options |= {"compression": "zlib", "photometric": "minisblack", "software": "minunet"}
    big = height * width * dtype.itemsize > 2**31
    with require("tifffile").TiffWriter(path, ome=ome_name is not None, bigtiff=big) as file:
        file.write(tiles(), shape=(height, width), dtype=dtype, tile=(TILE, TILE), **options)


def ome_metadata(name: str, pixel_size: float | None) -> dict[str, Any]:
    """The metadata of labels in an OME-TIFF, with the size of a pixel where it is known."""
    metadata: dict[str, Any] = {"axes": "YX", "Name": name}
    if pixel_size is not None:
        for axis in "XY":
            metadata |= {f"PhysicalSize{axis}": pixel_size, f"PhysicalSize{axis}Unit": "\u00b5m"}
    return metadata


def narrow_labels(labels: np.ndarray) -> np.ndarray:
    """The labels as uint16, or uint32 where their numbers need it."""
    return labels.astype(np.uint16 if int(labels.max(initial=0)) <= MOST_16_BIT else np.uint32)
