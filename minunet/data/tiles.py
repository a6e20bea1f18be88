"""Tiles: the overlapping pieces in which an image too large for memory is predicted, blended back without seams.

Near an inner edge a tile's prediction lacks its surroundings, so the outer quarter of each overlap counts nothing there and
the weight rises smoothly behind it.
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
    """Predict an image piece by piece.

    Parameters
    ----------
    function : callable
        From a piece (h, w, C) of the image to its prediction (h, w) or (h, w, 1). No side of a piece is longer than
        `tile`; those at the far borders may be shorter.
    image : ndarray, (H, W, C)
        Of any size; one that fits into a tile is predicted whole.
    tile : int
        Side of a tile in pixels.
    overlap : int
        Pixels that neighbouring tiles share at least. A function whose outputs look no further than `overlap // 4`
        pixels gives the same result tiled and whole.
    align : int
        Tiles begin at multiples of it, so the result is also that of the whole image for a network that pools in steps
        that divide it. `tile - overlap` must be at least this.
    progress : callable or None
        Called as `progress(tiles done, tiles in all)`.

    Returns
    -------
    ndarray, (H, W) float32
        Besides it and the image, one tile is in memory at a time.

    Raises
    ------
    UserError
        With every argument that can't be used.
    """
    image = np.asarray(image)
    _check(image, tile, overlap, align)
    height, width = image.shape[:2]
    rows, columns = (_stretches(length, tile, overlap, align) for length in (height, width))
    total = len(rows) * len(columns)
    result = np.zeros((height, width), np.float32)
    if progress:
        progress(0, total)
    for i, (top, down) in enumerate(rows):
        for j, (left, right) in enumerate(columns):
            h, w = len(down), len(right)
            piece = np.asarray(function(image[top : top + h, left : left + w]))
            if piece.shape not in ((h, w), (h, w, 1)):
                raise ValueError(f"the prediction of a piece of {(h, w)} has the shape {piece.shape}")
            result[top : top + h, left : left + w] += piece.reshape(h, w) * (down[:, None] * right)
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


def _stretches(length: int, tile: int, overlap: int, align: int) -> list[tuple[int, np.ndarray]]:
    """The tiles along one axis: where each begins, and its weights, which add up to 1 in every pixel of the axis."""
    last = -(-max(0, length - tile) // align) * align  # the first aligned start whose tile reaches the end
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
    """Weights from 0 to 1 over an overlap: nothing in its first quarter, all in its last, a raised cosine between."""
    margin = length // 4
    ramp = (np.arange(length - 2 * margin) + 0.5) / max(1, length - 2 * margin)
    return np.concatenate([np.zeros(margin), 0.5 - 0.5 * np.cos(np.pi * ramp), np.ones(margin)])
