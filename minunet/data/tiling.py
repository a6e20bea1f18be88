"""Tiling: the overlapping parts in which an image too large for memory is predicted, and their blending without seams.

Near an inner edge the prediction of a tile lacks its surroundings: in the outer quarter of each overlap its weight is 0, and
from there it rises smoothly.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minunet.data.reading.file_workers import ProgressCallback
from minunet.errors import UserError

ALIGN = 16  # pixels: the pooling grid of a U-Net of depth 4, so that a tile is pooled as the whole image would be


def predict_tiled(
    function: Callable[[np.ndarray], np.ndarray],
    image: np.ndarray,
    tile: int,
    overlap: int,
    *,
    align: int = ALIGN,
    progress: ProgressCallback | None = None,
) -> np.ndarray:
    """Predict an image tile by tile.

    Parameters
    ----------
    function : callable
        From a part (h, w, C) of the image to its prediction (h, w) or (h, w, 1). No side of a part is longer than
        `tile`; the last ones along an axis may be shorter.
    image : ndarray, (H, W, C)
        Of any size; an image that fits into a tile is predicted whole.
    tile : int
        Side of a tile in pixels.
    overlap : int
        The least number of pixels that neighbouring tiles share. A function whose outputs depend on no more than
        `overlap // 4` pixels around them gives the same result tiled and whole.
    align : int
        Tiles begin at multiples of it, so that a network that pools in steps that divide it pools the same pixels as
        for the whole image. `tile - overlap` must be at least this.
    progress : callable or None
        Called as `progress(tiles done, tiles in all)`.

    Returns
    -------
    ndarray, (H, W) float32
        Apart from it and the image, one tile is in memory at a time.

    Raises
    ------
    UserError
        With every argument that can't be used.
    """
    image = np.asarray(image)
    _check(image, tile, overlap, align)
    height, width = image.shape[:2]
    rows, columns = (_tiles_along_axis(length, tile, overlap, align) for length in (height, width))
    total = len(rows) * len(columns)
    result = np.zeros((height, width), np.float32)
    if progress:
        progress(0, total)
    for i, (top, row_weights) in enumerate(rows):
        for j, (left, column_weights) in enumerate(columns):
            h, w = len(row_weights), len(column_weights)
            prediction = np.asarray(function(image[top : top + h, left : left + w]))
            if prediction.shape not in ((h, w), (h, w, 1)):
                raise ValueError(f"the prediction of a tile of {(h, w)} has the shape {prediction.shape}")
            result[top : top + h, left : left + w] += prediction.reshape(h, w) * (row_weights[:, None] * column_weights)
            if progress:
                progress(i * len(columns) + j + 1, total)
    return result


def _check(image: np.ndarray, tile: int, overlap: int, align: int) -> None:
    problems = []
    if image.ndim != 3 or image.size == 0:
        problems.append(f"an image to predict has the shape (H, W, C), not {image.shape}.")
    if align < 1:
        problems.append(f"alignment {align}: give at least 1 pixel.")
    elif overlap < 0 or tile - overlap < align:
        problems.append(
            f"tiles of {tile} pixels with an overlap of {overlap}: the overlap is at least 0 and at most "
            f"{tile - align}, {align} pixels less than a tile."
        )
    if problems:
        raise UserError(problems)


def _tiles_along_axis(length: int, tile: int, overlap: int, align: int) -> list[tuple[int, np.ndarray]]:
    """The start of each tile along one axis, and its weights, which add up to 1 in every pixel of the axis."""
    last = -(-max(0, length - tile) // align) * align  # the first aligned start from which a tile reaches the end
    step = (tile - overlap) // align * align
    count = 1 + -(-last // step)
    starts = [i * last // max(1, count - 1) // align * align for i in range(count)]
    ends = [min(start + tile, length) for start in starts]
    weights = [np.ones(end - start) for start, end in zip(starts, ends, strict=True)]
    for i in range(1, count):
        shared = ends[i - 1] - starts[i]
        rise = _rise(shared)
        weights[i][:shared] *= rise
        weights[i - 1][len(weights[i - 1]) - shared :] *= 1 - rise
    total = np.zeros(length)
    for start, weight in zip(starts, weights, strict=True):
        total[start : start + len(weight)] += weight
    return [
        (start, (weight / total[start : start + len(weight)]).astype(np.float32))
        for start, weight in zip(starts, weights, strict=True)
    ]


def _rise(length: int) -> np.ndarray:
    """Weights from 0 to 1 over an overlap: 0 in its first quarter, 1 in its last, a raised cosine between."""
    margin = length // 4
    ramp = (np.arange(length - 2 * margin) + 0.5) / max(1, length - 2 * margin)
    return np.concatenate([np.zeros(margin), 0.5 - 0.5 * np.cos(np.pi * ramp), np.ones(margin)])
