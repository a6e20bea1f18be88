"""The transport of gradients between processes: collective operations of MPI on arrays of NumPy, which go on in the background."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Protocol

from minunet.kernels.backend import Array


class Transport(Protocol):
    """Sends arrays between ranks; every rank calls the same methods in the same order."""

    def exchange(self, sent: Array, sent_counts: Sequence[int], received: Array, received_counts: Sequence[int]) -> Any:
        """Begin to send each rank its part of `sent`, and to receive a part from each; returns what `wait` takes.

        Parameters
        ----------
        sent, received : array (values)
            Of each rank's part, one after the other; not to be touched before `wait`.
        sent_counts, received_counts : sequence of int
            The values of each part.
        """

    def gather(self, own: Array, total: Array, counts: Sequence[int]) -> Any:
        """Begin to write the `own` array of every rank, one after the other, into `total`; returns what `wait` takes.

        Parameters
        ----------
        own, total : array (values)
        counts : sequence of int
            The values of each rank.
        """

    def wait(self, request: Any) -> None:
        """Wait until an operation is done."""

    def progress(self) -> None:
        """Let operations go on that have begun; many libraries do nothing between the calls of a process."""


class MpiTransport:
    """Between the ranks of an MPI communicator.

    Parameters
    ----------
    communicator : mpi4py.MPI.Comm
    """

    def __init__(self, communicator: Any):
        self.communicator = communicator

    def exchange(self, sent: Array, sent_counts: Sequence[int], received: Array, received_counts: Sequence[int]) -> Any:
        """As `Transport.exchange`."""
        return self.communicator.Ialltoallv(
            [sent, (sent_counts, starts(sent_counts))], [received, (received_counts, starts(received_counts))]
        )

    def gather(self, own: Array, total: Array, counts: Sequence[int]) -> Any:
        """As `Transport.gather`."""
        return self.communicator.Iallgatherv(own, [total, (counts, starts(counts))])

    def wait(self, request: Any) -> None:
        """As `Transport.wait`."""
        request.Wait()

    def progress(self) -> None:
        """As `Transport.progress`."""
        self.communicator.Iprobe()


def starts(counts: Sequence[int]) -> list[int]:
    """Where the parts of an array begin."""
    return [0, *accumulate(counts[:-1])]
