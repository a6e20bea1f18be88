"""Disk arrays: arrays in temporary files, of which only the parts at work are in memory."""

from __future__ import annotations

import shutil
import tempfile
from os import PathLike
from types import TracebackType
from typing import Any

import numpy as np

MAPPED = 1 << 24  # bytes that are used before the memory is given back
PAGE = 4096  # bytes that the system reads at once, at least
BLOCK = 1 << 22  # bytes that are written at once


class DiskArray:
    """An array (H, W) in a file without a name, which is gone when it is closed or the process ends.

    Parameters
    ----------
    folder : path
        On whose disk it is.
    shape : (H, W)
    dtype : dtype

    Raises
    ------
    OSError
        If the system refuses, from here or from writing: no space for example.
    """

    def __init__(self, folder: str | PathLike[str], shape: tuple[int, int], dtype: Any):
        self.shape, self.dtype = shape, np.dtype(dtype)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  closed by `close`
        self._map: np.memmap | None = None
        self._used = 0

    def __enter__(self) -> DiskArray:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the file."""
        self._map = None
        self._file.close()

    def append(self, rows: np.ndarray) -> None:
        """Write the next rows (h, W)."""
        self._file.write(np.ascontiguousarray(rows, self.dtype).data)

    def fill_with_zeros(self) -> None:
        """Write 0 everywhere, so that the disk has the space before anything is put into it."""
        left = self.shape[0] * self.shape[1] * self.dtype.itemsize
        zeros = bytes(min(left, BLOCK))
        while left:
            left -= self._file.write(zeros[:left])

    def crop(self, top: int, bottom: int, left: int = 0, right: int | None = None) -> np.ndarray:
        """A copy of a part of it, (h, w)."""
        part = np.array(self._mapped(top, bottom, left, right))
        self._give_back()
        return part

    def __getitem__(self, box: tuple[slice, slice]) -> np.ndarray:
        """A copy of a box of it, so that it can be given where parts of an array are looked at."""
        rows, columns = (part.indices(length) for part, length in zip(box, self.shape, strict=True))
        return self.crop(rows[0], rows[1], columns[0], columns[1])

    def put(self, values: np.ndarray, top: int, left: int = 0, where: np.ndarray | None = None) -> None:
        """Write values (h, w) into a part of it, only where `where` is true."""
        part = self._mapped(top, top + values.shape[0], left, left + values.shape[1])
        part[...] = values if where is None else np.where(where, values, part)
        del part
        self._give_back()

    def _mapped(self, top: int, bottom: int, left: int, right: int | None) -> np.ndarray:
        if self._map is None:
            self._file.flush()
            self._map = np.memmap(self._file, self.dtype, "r+", shape=self.shape)
        part = self._map[top:bottom, left:right]
        row = min(self.shape[1] * self.dtype.itemsize, part.shape[1] * self.dtype.itemsize + PAGE)
        self._used += part.shape[0] * row
        return part

    def _give_back(self) -> None:
        """Map the file anew where much of it was used: its pages count as memory of the process for as long as they are mapped."""
        if self._used > MAPPED:
            self._map, self._used = None, 0


def free_space(folder: str | PathLike[str]) -> int:
    """The bytes that are free on the disk of a folder."""
    return shutil.disk_usage(folder).free
