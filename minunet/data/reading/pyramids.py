"""Pyramids: images that are stored at several sizes, the levels, and in tiles, as whole slides are.

Every level can be read some rows at a time, from any row on; a slide is never in memory as a whole.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minunet.data.reading.image_header import ImageHeader
from minunet.data.reading.image_rows import ImageRows
from minunet.data.reading.pixels import grey_if_equal
from minunet.errors import UserError
from minunet.resources import available_memory

LONGEST_ROW = 2**19  # pixels, of a level that is read by rows
SMALL_ROW = 1 << 24  # bytes; a row of tiles of so many is not compared with the memory that is left
NEARLY_WHOLE = 0.02  # a level whose sides are, but for rounding, 1/2, 1/4, ... of those of the largest one


@dataclass(frozen=True)
class PyramidLevel:
    """One of the sizes.

    Attributes
    ----------
    width, height : int
    scale : float
        How many pixels of the largest level, level 0, a pixel is wide.
    """

    width: int
    height: int
    scale: float = 1.0


class Pyramid(ABC):
    """An image of several levels that is open for reading.

    Attributes
    ----------
    path : Path
    levels : list of PyramidLevel
        The largest first.
    header : ImageHeader
        Of level 0.
    notes : list of str
        What the user should know of the file.
    """

    path: Path
    levels: list[PyramidLevel]
    header: ImageHeader
    notes: list[str]

    @abstractmethod
    def strips(self, level: int, rows: int, start: int) -> Iterator[np.ndarray]:
        """The rows of a level from `start` on, (h, W) or (h, W, C), about `rows` at a time, or a row of tiles."""

    @abstractmethod
    def dtype(self) -> np.dtype:
        """The type of the numbers."""

    @abstractmethod
    def channels(self) -> int:
        """The number of channels, with those that only say how transparent a pixel is."""

    @abstractmethod
    def tile_row_bytes(self, level: int) -> int:
        """The memory that a row of tiles takes when it is decoded."""

    def rows(self, level: int, guarded: Callable[[Iterator[np.ndarray]], Iterator[np.ndarray]]) -> ImageRows:
        """The rows of a level.

        Parameters
        ----------
        level : int
        guarded : callable
            The same strips, with the errors of reading them as sentences.

        Raises
        ------
        UserError
            If there is no such level, or it is too large.
        """
        self.check_level(level)
        self.check_size(level)
        chosen = self.levels[level]

        def strips(rows: int, start: int = 0) -> Iterator[np.ndarray]:
            return guarded(map(grey_if_equal, self.strips(level, rows, start)))

        wide = self.dtype() not in (np.uint8, np.uint16)
        shape = chosen.height, chosen.width
        colour = False if self.channels() == 1 else None
        return ImageRows(shape, strips, colour, wide, strips_from=strips, level=level, scale=chosen.scale)

    def whole(self) -> np.ndarray:
        """All of level 0."""
        self.check_size(0)
        height, width = self.levels[0].height, self.levels[0].width
        result: np.ndarray | None = None
        top = 0
        for strip in self.strips(0, max(1, (1 << 20) // width), 0):
            if result is None:
                result = np.empty((height, width, *strip.shape[2:]), strip.dtype)
            result[top : top + len(strip)] = strip
            top += len(strip)
        assert result is not None
        return grey_if_equal(result)

    def check_level(self, level: int) -> None:
        """Refuse a level that is not there."""
        if level < len(self.levels):
            return
        sizes = ", ".join(f"{k} ({size.width}x{size.height})" for k, size in enumerate(self.levels))
        raise UserError(f"{self.path} has no level {level}: it has {sizes}.")

    def check_size(self, level: int) -> None:
        """Refuse a level whose rows of tiles do not fit into memory."""
        size = self.levels[level]
        if max(size.width, size.height) > LONGEST_ROW:
            raise UserError(
                f"{self.path} has {size.width}x{size.height} pixels; a side has at most {LONGEST_ROW:,}: "
                "take a smaller level, with --level, or cut it into pieces."
            )
        needed, left = self.tile_row_bytes(level), available_memory()
        if needed > SMALL_ROW and left is not None and needed > left:
            raise UserError(
                f"{self.path} is stored in tiles so large that a row of them takes {needed / 1e9:.1f} GB of memory, and "
                f"{left / 1e9:.1f} GB are left: export it with tiles of 512x512 pixels, or take a smaller level, with --level."
            )


def levels_of(sizes: list[tuple[int, int]]) -> list[PyramidLevel]:
    """The levels of sizes (width, height), with their scales; whole numbers where the sizes are those but for rounding."""
    width, height = sizes[0]
    levels = []
    for w, h in sizes:
        scale = width / w if width >= height else height / h  # of the longer side, on which rounding matters less
        whole = round(scale)
        levels.append(PyramidLevel(w, h, float(whole) if abs(scale - whole) <= NEARLY_WHOLE * whole else scale))
    return levels


def smallest_level(levels: list[PyramidLevel], diameter: float, wanted: float) -> int:
    """The smallest level at which cells are not smaller than a model needs them.

    Parameters
    ----------
    levels : list of PyramidLevel
    diameter : float
        Of the cells at level 0, in its pixels.
    wanted : float
        The diameter that the model knows, in pixels.
    """
    fitting = [k for k, level in enumerate(levels) if diameter / level.scale >= wanted]
    return max(fitting, key=lambda k: levels[k].scale, default=0)
