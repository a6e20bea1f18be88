"""Zarr images: the image of an OME-Zarr folder, read by rows of its chunks."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from minunet.data.reading.image_header import ImageHeader
from minunet.data.reading.pyramids import Pyramid, levels_of
from minunet.data.reading.zarr_metadata import EXPORT, ZarrMetadata
from minunet.errors import UserError
from minunet.wording import count_noun, shorten

REMEDY = "python -m pip install 'minunet[zarr]' (with Python 3.11 or later)"
MOST_CHANNELS = 64
_MEANING = {"t": "time points", "z": "planes"}


class ZarrImage(Pyramid):
    """The image of an OME-Zarr folder.

    Parameters
    ----------
    path : Path
        The folder.

    Raises
    ------
    UserError
        If it holds no image that can be read, or the package zarr is missing.
    """

    def __init__(self, path: Path):
        self.path = path
        metadata = ZarrMetadata.read(path)
        self.axes = metadata.axes
        self._arrays = [self._open(metadata.image / level) for level in metadata.levels]
        self._arrays.sort(key=lambda array: -math.prod(self._size(array)))
        for array in self._arrays:
            self._check(array)
        self.levels = levels_of([self._size(array) for array in self._arrays])
        self.header = ImageHeader((self.levels[0].width, self.levels[0].height), "OME-Zarr", 1)
        self.notes = []
        if metadata.images > 1:
            self.notes.append(
                f"{path} holds {metadata.images} images; only the first is used: give the others by their folders."
            )

    def check(self) -> None:
        """Nothing to refuse: chunks that are not there are part of the format."""

    def values(self, *, mask: bool = False) -> np.ndarray:
        """All of level 0, (H, W) or (H, W, C)."""
        return self.whole()

    def dtype(self) -> np.dtype:
        """The type of the numbers, in the byte order of this machine."""
        stored = self._arrays[0].dtype.newbyteorder("=")
        return np.dtype(np.uint8) if stored == np.bool_ else stored

    def channels(self) -> int:
        """The number of channels."""
        return int(dict(zip(self.axes, self._arrays[0].shape, strict=True)).get("c", 1))

    def tile_row_bytes(self, level: int) -> int:
        """The memory that a row of chunks takes, with their undecoded neighbours."""
        array = self._arrays[level]
        rows = dict(zip(self.axes, array.chunks, strict=True))["y"]
        return 2 * rows * self.levels[level].width * self.channels() * array.dtype.itemsize

    def missing_chunks(self, level: int) -> str | None:
        """A sentence where chunks of a level are not there, as in a copy that was interrupted, or where all is of one value."""
        array = self._arrays[level]
        missing = array.nchunks - array.nchunks_initialized
        if missing <= 0:
            return None
        return (
            f"{self.path}: {missing:,} of the {count_noun(array.nchunks, 'chunk')} of level {level} are not stored, and are "
            f"read as {array.fill_value}; that is usual for empty parts, and wrong for a copy that is not complete."
        )

    def strips(self, level: int, rows: int, start: int) -> Iterator[np.ndarray]:
        """See `Pyramid.strips`; a strip is one row of chunks, or several."""
        array, height = self._arrays[level], self.levels[level].height
        chunk = dict(zip(self.axes, array.chunks, strict=True))["y"]
        step = max(1, rows // chunk) * chunk
        top = start
        while top < height:
            bottom = min(height, (top // chunk) * chunk + step)
            yield self._part(array, top, bottom)
            top = bottom

    def _part(self, array: Any, top: int, bottom: int) -> np.ndarray:
        """Rows of an array, (h, W) or (h, W, C)."""
        kept = {"y": slice(top, bottom), "x": slice(None), "c": slice(None)}
        part = np.asarray(array[tuple(kept.get(axis, 0) for axis in self.axes)])
        left = [axis for axis in self.axes if axis in kept]
        part = part.transpose([left.index(axis) for axis in "yxc" if axis in left])
        if part.ndim == 3 and part.shape[2] == 1:
            part = part[..., 0]
        if part.dtype == np.bool_:  # as Pillow reads bits
            return part.astype(np.uint8) * 255
        return np.ascontiguousarray(part, self.dtype())

    def _size(self, array: Any) -> tuple[int, int]:
        sizes = dict(zip(self.axes, array.shape, strict=True))
        return sizes["x"], sizes["y"]

    def _open(self, folder: Path) -> Any:
        """One of the arrays."""
        if not os.path.isdir(folder):
            raise UserError(
                f"{self.path} is not complete, its level {folder.name} is missing: copy or export it again."
            )
        try:
            import zarr  # an extra, which takes half a second
        except ImportError as error:
            raise UserError(f"{self.path} is an OME-Zarr; to read it, install zarr: {REMEDY}.") from error
        try:
            array = zarr.open_array(os.fspath(folder), mode="r")
        except MemoryError:
            raise
        except Exception as error:  # whatever is wrong with its metadata
            raise UserError(
                f"{self.path}: its level {folder.name} cannot be read ({shorten(error)}): {EXPORT}."
            ) from error
        if array.ndim != len(self.axes):
            raise UserError(
                f"{self.path} is damaged (level {folder.name} has {array.ndim} axes, and the image {len(self.axes)}): {EXPORT}."
            )
        return array

    def _check(self, array: Any) -> None:
        """Refuse what is no picture."""
        sizes = dict(zip(self.axes, array.shape, strict=True))
        problems = [
            f"{self.path} has {length} {_MEANING.get(axis, f'values along its axis {axis}')}, and a picture has one: "
            f"export one of them, such as the first along {axis}."
            for axis, length in sizes.items()
            if axis not in ("c", "y", "x") and length != 1
        ]
        if 0 in sizes.values():
            problems.append(f"{self.path} has no pixels: {EXPORT}.")
        if sizes.get("c", 1) > MOST_CHANNELS:
            problems.append(f"{self.path} has {sizes['c']} channels; at most {MOST_CHANNELS} are read: export fewer.")
        if sizes.get("c", 1) != self.channels() or array.dtype != self._arrays[0].dtype:
            problems.append(f"{self.path} is damaged (its levels differ in channels or numbers): {EXPORT}.")
        if array.dtype.kind not in "uifb":
            problems.append(f"{self.path} holds {array.dtype}, which is not read here: export it as 8 or 16 bits.")
        if problems:
            raise UserError(problems)
