"""The exchange of one array between ranks: each gets its share of the sums of all, and hands out what it makes of it.

`MessageExchange` sends messages with a `Transport`. `SharedMemoryExchange` (in `shared_memory`) is for ranks on one machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from minunet.kernels.backend import Array, array_module
from minunet.ranks import Ranks
from minunet.training.gradient_transport import Transport


class Exchange(Protocol):
    """Of arrays of one length, of which every rank has a share; every rank calls the same methods in the same order.

    Attributes
    ----------
    shares : list of slice
        The share of each rank, one after the other.
    """

    shares: list[slice]

    def begin(self, counts: Sequence[int]) -> None:
        """Begin with an exchange for which each rank has so many arrays."""

    def slot(self, number: int) -> Array:
        """An array to write to; the first ones, as many as this rank has, are sent."""

    def send(self) -> None:
        """Begin to send each rank its share of the own arrays."""

    def progress(self) -> None:
        """Let operations go on that have begun."""

    def cancel(self) -> None:
        """Wait for what has been sent."""

    def received(self) -> list[Array]:
        """The own share of the arrays of all ranks, in their order; they may be changed."""

    def own(self) -> Array:
        """An array as long as the own share; what is written to it next is for all ranks."""

    def gather(self) -> None:
        """Begin to give all ranks what was written to the array of `own`."""

    def gathered(self) -> list[Array]:
        """What the ranks have given, in their order; valid until the next call of `own`."""


class MessageExchange:
    """An `Exchange` with messages, between one or several machines.

    Parameters
    ----------
    transport : Transport
    ranks : Ranks
    shares : list of slice
        The share of each rank, one after the other.
    like : array
        Of the dtype, and on the device, of the arrays.
    """

    def __init__(self, transport: Transport, ranks: Ranks, shares: list[slice], like: Array):
        self.transport, self.rank, self.shares, self.like = transport, ranks.rank, shares, like
        self.lengths = [share.stop - share.start for share in shares]
        self._slots: list[Array] = []
        self._arrays: dict[str, Array] = {}
        self._request: Any = None

    def begin(self, counts: Sequence[int]) -> None:
        """As `Exchange.begin`."""
        self._counts = counts

    def slot(self, number: int) -> Array:
        """As `Exchange.slot`."""
        while number >= len(self._slots):
            self._slots.append(self._zeros(sum(self.lengths)))
        return self._slots[number]

    def send(self) -> None:
        """As `Exchange.send`."""
        own, length = self._counts[self.rank], self.lengths[self.rank]
        sent = self._slots[0] if own == 1 else self._array("sent", own * sum(self.lengths))
        if own > 1:
            end = 0
            for share in self.shares:  # what is sent to a rank lies together
                for slot in self._slots[:own]:
                    start, end = end, end + share.stop - share.start
                    sent[start:end] = slot[share]
        received = self._array("received", sum(self._counts) * length)
        self._request = self.transport.exchange(
            sent, [own * length for length in self.lengths], received, [count * length for count in self._counts]
        )

    def progress(self) -> None:
        """As `Exchange.progress`."""
        self.transport.progress()

    def cancel(self) -> None:
        """As `Exchange.cancel`."""
        if self._request is not None:
            self.transport.wait(self._request)
            self._request = None

    def received(self) -> list[Array]:
        """As `Exchange.received`."""
        self.cancel()
        length, received = self.lengths[self.rank], self._arrays["received"]
        return [received[k * length : (k + 1) * length] for k in range(sum(self._counts))]

    def own(self) -> Array:
        """As `Exchange.own`."""
        return self._array("own", self.lengths[self.rank])

    def gather(self) -> None:
        """As `Exchange.gather`."""
        total = self._array("gathered", sum(self.lengths))
        self._request = self.transport.gather(self.own(), total, self.lengths)

    def gathered(self) -> list[Array]:
        """As `Exchange.gathered`."""
        self.cancel()
        return [self._arrays["gathered"][share] for share in self.shares]

    def _array(self, name: str, size: int) -> Array:
        if name not in self._arrays or self._arrays[name].size != size:
            self._arrays[name] = self._zeros(size)
        return self._arrays[name]

    def _zeros(self, size: int) -> Array:
        return array_module(self.like).zeros(size, self.like.dtype)


def even_shares(ends: Sequence[int], ranks: int) -> list[slice]:
    """The share of each rank of an array, nearly equally long; they end where one of its parts ends.

    Examples
    --------
    >>> even_shares([2, 5, 7, 10], 2)
    [slice(0, 5, None), slice(5, 10, None)]
    """
    size = ends[-1]
    possible = [0, *ends]
    cuts = [min(possible, key=lambda end: abs(end * ranks - size * rank)) for rank in range(ranks)]
    return [slice(start, stop) for start, stop in zip(cuts, [*cuts[1:], size], strict=True)]
