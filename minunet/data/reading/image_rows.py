"""The rows of an image, read from top to bottom, so that an image that is larger than memory can be processed part by part.

Where a file cannot be decoded in parts, the whole image is held, in as few copies as possible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

LARGE = 1 << 22  # pixels; a larger image is read and written by strips
STRIP_PIXELS = 1 << 20  # of a strip: large enough for its overheads not to matter

Strips = Callable[[int], Iterable[np.ndarray]]  # of the rows of a strip; strips may have a few more or fewer
StripsFrom = Callable[[int, int], Iterable[np.ndarray]]  # of the rows of a strip, and the first row


class ImageRows:
    """An image whose rows can be read in order, any number of times.

    Parameters
    ----------
    shape : (H, W)
    strips : callable
        Called with a number of rows; returns arrays (h, W) or (h, W, C) of about so many rows, from top to bottom. Grey strips
        of an image in colour are made colour.
    colour : bool or None
        Whether the image has channels; None if only reading the image shows it.
    wide : bool
        Whether the values are other numbers than those of 8 or 16 bits without a sign.
    strips_from : callable, optional
        As `strips`, from a row on that is the second argument, without reading the rows above it.
    level : int
        Which level of a pyramid this is.
    scale : float
        How many pixels of its largest level a pixel is wide.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        strips: Strips,
        colour: bool | None = None,
        wide: bool = False,
        *,
        strips_from: StripsFrom | None = None,
        level: int = 0,
        scale: float = 1.0,
    ):
        self.height, self.width = shape
        self.wide = wide
        self.level, self.scale = level, scale
        self._strips, self._strips_from = strips, strips_from
        self._colour = colour

    @classmethod
    def of_array(cls, array: np.ndarray) -> ImageRows:
        """The rows of an image in memory, (H, W) or (H, W, C)."""
        height, width = array.shape[:2]
        wide = array.dtype not in (np.uint8, np.uint16)
        strips = lambda rows: (array[i : i + rows] for i in range(0, height, rows))  # noqa: E731
        return cls((height, width), strips, array.ndim == 3, wide)

    @property
    def pixels(self) -> int:
        """The number of pixels."""
        return self.height * self.width

    @property
    def is_large(self) -> bool:
        """Whether the image should be processed by strips."""
        return self.pixels > LARGE

    @property
    def strip_rows(self) -> int:
        """The rows of a strip: of about `STRIP_PIXELS` pixels for a large image, else all."""
        return max(1, STRIP_PIXELS // self.width) if self.is_large else self.height

    def windows(self, spans: Sequence[tuple[int, int]]) -> Iterator[np.ndarray]:
        """Parts of the image, which may overlap.

        Parameters
        ----------
        spans : sequence of (start, stop)
            Rows [start, stop) of each part; neither the starts nor the stops decrease.

        Yields
        ------
        ndarray, (stop - start, W) or (stop - start, W, C)
        """
        colour = self.is_colour()
        begin = end = 0  # the rows that are held
        if self._strips_from is None or not spans:
            strips = iter(self._strips(self.strip_rows))
        else:
            begin = end = spans[0][0]
            strips = iter(self._strips_from(self.strip_rows, begin))
        held: list[np.ndarray] = []
        for start, stop in spans:
            while end < stop:
                strip = next(strips)  # never too few: a file that ends early is an error
                held.append(np.repeat(strip[..., None], 3, axis=2) if colour and strip.ndim == 2 else strip)
                end += len(strip)
            while begin + len(held[0]) <= start:
                begin += len(held.pop(0))
            window = held[0] if len(held) == 1 else np.concatenate(held)
            yield window[start - begin : stop - begin]
            del window  # before the next one is made

    def whole(self) -> np.ndarray:
        """The whole image."""
        return next(self.windows([(0, self.height)]))

    def is_colour(self) -> bool:
        """Whether the image has channels that differ somewhere; for a grey one that is stored in colour, all is read."""
        if self._colour is None:
            self._colour = any(strip.ndim == 3 for strip in self._strips(self.strip_rows))
        return self._colour


def spans_of(length: int, rows: int) -> list[tuple[int, int]]:
    """[start, stop) of consecutive strips of `rows` rows; the last may be shorter."""
    return [(start, min(start + rows, length)) for start in range(0, length, rows)]
