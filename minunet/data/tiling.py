"""Tiling: the overlapping parts in which an image too large for memory is predicted.

Near an inner edge the prediction of a tile lacks its surroundings. Of each tile only the core is therefore used, which is a
margin away from every such edge; the cores of neighbouring tiles touch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minunet.data.reading.file_workers import ProgressCallback
from minunet.errors import UserError

ALIGN = 16  # pixels: the pooling grid of a U-Net of depth 4, so that a tile is pooled as the whole image would be


class Tile(NamedTuple):
    """A tile along one axis: the pixels [start, stop) are predicted, of which [core_start, core_stop) are used."""

    start: int
    stop: int
    core_start: int
    core_stop: int

    @property
    def core(self) -> slice:
        """The core within the tile."""
        return slice(self.core_start - self.start, self.core_stop - self.start)


def tiles_along_axis(length: int, side: int, margin: int, align: int = ALIGN) -> list[Tile]:
    """The tiles along one axis; their cores follow each other, and cover it.

    Parameters
    ----------
    length : int
        Of the axis, in pixels.
    side : int
        The largest length of a tile in pixels.
    margin : int
        The least distance in pixels between a core and an edge of its tile that is not an edge of the image.
    align : int
        Tiles begin, and those but the last end, at multiples of it.
    """
    margin, side = -(-margin // align) * align, side // align * align
    tiles = [Tile(0, length, 0, length)] if length <= side else [Tile(0, side, 0, side - margin)]
    while (begin := tiles[-1].core_stop) < length:
        start = begin - margin
        stop = min(start + side, length)
        tiles.append(Tile(start, stop, begin, length if stop == length else stop - margin))
    return tiles


def predict_tiled(
    function: Callable[[np.ndarray], np.ndarray],
    image: np.ndarray,
    tile: int,
    margin: int,
    *,
    align: int = ALIGN,
    progress: ProgressCallback | None = None,
) -> np.ndarray:
    """Predict an image tile by tile.

    Parameters
    ----------
    function : callable
        From a part (h, w, C) of the image to its prediction (h, w) or (h, w, K). No side of a part is longer than
        `tile`; the last ones along an axis may be shorter.
    image : ndarray, (H, W, C)
        Of any size; an image that fits into a tile is predicted whole.
    tile : int
        Side of a tile in pixels.
    margin : int
        What is predicted within so many pixels of an inner edge of a tile is left out. A function whose outputs depend on
        no more than `margin` pixels around them gives the same result tiled and whole.
    align : int
        Tiles begin at multiples of it, so that a network that pools in steps that divide it pools the same pixels as
        for the whole image. The margin is rounded up to a multiple of it, and the tile down; what is left between two
        margins must be at least this.
    progress : callable or None
        Called as `progress(tiles done, tiles in all)`.

    Returns
    -------
    ndarray, (H, W) float32, or (H, W, K) where there are several values a pixel
        Apart from it and the image, one tile is in memory at a time.

    Raises
    ------
    UserError
        With every argument that can't be used.
    """
    image = np.asarray(image)
    _check(image, tile, margin, align)
    height, width = image.shape[:2]
    rows, columns = (tiles_along_axis(length, tile, margin, align) for length in (height, width))
    total = len(rows) * len(columns)
    result = np.empty((0,), np.float32)
    if progress:
        progress(0, total)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            prediction = predict_tile(function, image[row.start : row.stop, column.start : column.stop])
            if not result.size:
                result = np.empty((height, width, *prediction.shape[2:]), np.float32)
            result[row.core_start : row.core_stop, column.core_start : column.core_stop] = prediction[
                row.core, column.core
            ]
            if progress:
                progress(i * len(columns) + j + 1, total)
    return result


def predict_tile(function: Callable[[np.ndarray], np.ndarray], part: np.ndarray) -> np.ndarray:
    """The prediction of one part (h, w, C) of an image: (h, w), or (h, w, K) where there are several values a pixel.

    Raises
    ------
    ValueError
        If the function returns an array of another shape.
    """
    prediction = np.asarray(function(part))
    h, w = part.shape[:2]
    if prediction.ndim not in (2, 3) or prediction.shape[:2] != (h, w):
        raise ValueError(f"the prediction of a tile of {(h, w)} has the shape {prediction.shape}")
    return prediction[..., 0] if prediction.shape[2:] == (1,) else prediction


def _check(image: np.ndarray, tile: int, margin: int, align: int) -> None:
    problems = []
    if image.ndim != 3 or image.size == 0:
        problems.append(f"an image to predict has the shape (H, W, C), not {image.shape}.")
    if align < 1:
        problems.append(f"alignment {align}: give at least 1 pixel.")
    elif margin < 0 or tile // align * align - 2 * -(-margin // align) * align < align:
        problems.append(
            f"tiles of {tile} pixels with a margin of {margin}: the margin is at least 0, and twice its next multiple of "
            f"{align} is at least {align} pixels less than a tile."
        )
    if problems:
        raise UserError(problems)
