"""The exchange of an array between ranks on one machine: in memory that all of them see, which MPI allocates, without messages.

A rank writes its arrays there, and the others read their shares. A barrier tells that an array is written; what is handed out
lies in one of two places in turn, so that nothing is written to before all have read it.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minunet.ranks import Ranks

FOLDER = Path("/dev/shm")  # MPI libraries take such memory from it on Linux
MOST = 0.5  # of the room there


class SharedMemoryExchange:
    """An `Exchange` of NumPy arrays in shared memory.

    Parameters
    ----------
    ranks : Ranks
        All on one machine.
    shares : list of slice
        The share of each rank, one after the other.
    dtype : dtype
        Of the arrays.
    """

    def __init__(self, ranks: Ranks, shares: list[slice], dtype: np.dtype):
        self.communicator, self.rank, self.ranks, self.shares = ranks.communicator, ranks.rank, ranks.size, shares
        self.dtype, self.size = dtype, shares[-1].stop
        self.longest = max(share.stop - share.start for share in shares)
        self._window: Any = None
        self._shared: list[np.ndarray] = []  # for each rank its arrays, and two of the length of a share
        self._slots = 0  # that the others see
        self._own: list[np.ndarray] = []  # and further ones
        self._place = 0
        self._request: Any = None

    def begin(self, counts: Sequence[int]) -> None:
        """As `Exchange.begin`."""
        self._counts = counts
        if max(counts) > self._slots:
            self._slots = max(counts)
            if self._window is not None:
                self._shared = []
                self._window.Unlock_all()
                self._window.Free()
            values = self._slots * self.size + 2 * self.longest
            self._window = allocate_window(self.communicator, values * self.dtype.itemsize)
            self._shared = [
                np.frombuffer(self._window.Shared_query(rank)[0], self.dtype, values) for rank in range(self.ranks)
            ]

    def slot(self, number: int) -> np.ndarray:
        """As `Exchange.slot`."""
        if number < self._slots:
            return self._slot(self.rank, number)
        while number >= self._slots + len(self._own):
            self._own.append(np.zeros(self.size, self.dtype))
        return self._own[number - self._slots]

    def send(self) -> None:
        """As `Exchange.send`."""
        self._window.Sync()
        self._request = self.communicator.Ibarrier()

    def progress(self) -> None:
        """Nothing is under way."""

    def cancel(self) -> None:
        """As `Exchange.cancel`."""
        if self._request is not None:
            self._request.Wait()
            self._request = None
            self._window.Sync()

    def received(self) -> list[np.ndarray]:
        """As `Exchange.received`; a share of an array is read and changed by the rank alone whose share it is."""
        self.cancel()
        own = self.shares[self.rank]
        return [self._slot(rank, k)[own] for rank, count in enumerate(self._counts) for k in range(count)]

    def own(self) -> np.ndarray:
        """As `Exchange.own`."""
        self._place = 1 - self._place
        return self._handed_out(self.rank)

    def gather(self) -> None:
        """As `Exchange.gather`."""
        self.send()

    def gathered(self) -> list[np.ndarray]:
        """As `Exchange.gathered`."""
        self.cancel()
        return [self._handed_out(rank) for rank in range(self.ranks)]

    def _slot(self, rank: int, number: int) -> np.ndarray:
        return self._shared[rank][number * self.size : (number + 1) * self.size]

    def _handed_out(self, rank: int) -> np.ndarray:
        start, share = self._slots * self.size + self._place * self.longest, self.shares[rank]
        return self._shared[rank][start : start + share.stop - share.start]


def allocate_window(communicator: Any, size: int) -> Any:
    """A window of shared memory, of so many bytes for each rank."""
    from mpi4py import MPI

    window = MPI.Win.Allocate_shared(size, 1, comm=communicator)
    window.Lock_all()  # for as long as it is there: ranks read and write it like other memory
    return window


def fits_shared_memory(ranks: Ranks, size: int) -> bool:
    """Whether all ranks are on one machine that has shared memory for so many bytes; the same on every rank."""
    if ranks.node_size < ranks.size:
        return False
    fits = FOLDER.is_dir() and size <= MOST * shutil.disk_usage(FOLDER).free
    return all(ranks.gather(fits))
