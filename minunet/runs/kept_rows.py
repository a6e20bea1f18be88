"""Kept rows: of an image that is predicted some rows at a time, its rows with what is predicted of them, or only its middle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from minunet.data.appearance import middle_window
from minunet.inference.large_images import PredictedRows
from minunet.inference.predicted_maps import PredictedMaps


class KeptRows:
    """The pixels and the predicted maps of an image that is predicted some rows at a time; false before there are any."""

    def __init__(self) -> None:
        self._parts: list[PredictedRows] = []

    def __bool__(self) -> bool:
        return bool(self._parts)

    def while_passing(self, rows: Iterable[PredictedRows]) -> Iterator[PredictedRows]:
        """The same rows; each part is kept when it passes."""
        for part in rows:
            self._parts.append(part)
            yield part

    def whole(self) -> PredictedRows:
        """The whole image and its maps."""
        if len(self._parts) > 1:
            pixels, maps = zip(*self._parts, strict=True)
            self._parts = [(np.concatenate(pixels), PredictedMaps.joined(maps))]
        return self._parts[0]


class MiddleRows:
    """The middle of an image whose rows come from top to bottom, as `middle_window` cuts it out."""

    def __init__(self) -> None:
        self._parts: list[np.ndarray] = []
        self._done = 0

    def add(self, rows: np.ndarray, shape: tuple[int, int]) -> None:
        """The next rows of an image of a shape (H, W)."""
        wanted, columns = middle_window(shape)
        first, last = max(wanted.start - self._done, 0), wanted.stop - self._done
        if first < len(rows) and last > 0:
            self._parts.append(rows[first:last, columns].copy())
        self._done += len(rows)

    def window(self) -> np.ndarray:
        """What was kept of all rows."""
        return np.concatenate(self._parts)
