"""Micro-batches: the parts of a batch whose gradients are computed one after the other, or by several processes."""

from __future__ import annotations

from dataclasses import dataclass

MOST_PARTS = 4  # of a batch, by default: 1, 2 and 4 processes then have equal shares, and the same results


@dataclass(frozen=True)
class MicroBatches:
    """The division of batches into micro-batches, and of these among ranks.

    Parameters
    ----------
    size : int
        Samples in a micro-batch; the last one of a batch may have fewer.
    rank, ranks : int
        Of this process, and how many there are.

    Examples
    --------
    >>> MicroBatches(2, rank=1, ranks=2).own(7)
    range(2, 4)
    >>> MicroBatches(2, rank=1, ranks=2).samples(7)
    slice(4, 7, None)
    """

    size: int
    rank: int = 0
    ranks: int = 1

    def parts(self, samples: int) -> int:
        """How many micro-batches a batch of so many samples has."""
        return -(-samples // self.size)

    def own(self, samples: int, rank: int | None = None) -> range:
        """The numbers of the micro-batches of a rank, by default this one; ranks have neighbouring ones."""
        parts, rank = self.parts(samples), self.rank if rank is None else rank
        return range(parts * rank // self.ranks, parts * (rank + 1) // self.ranks)

    def samples(self, samples: int) -> slice:
        """Which samples of a batch this rank needs."""
        own = self.own(samples)
        return slice(own.start * self.size, min(samples, own.stop * self.size))

    def pieces(self, samples: int) -> list[slice]:
        """The samples of each own micro-batch, counted from the first one that this rank needs."""
        held = self.samples(samples)
        length = held.stop - held.start
        return [slice(start, min(start + self.size, length)) for start in range(0, length, self.size)]


def default_size(batch_size: int, ranks: int) -> int:
    """The samples of a micro-batch where nobody names them: a batch has 4 of them, or for more processes 8, 16 and so on."""
    parts = MOST_PARTS
    while parts < ranks:
        parts *= 2
    return max(1, -(-batch_size // parts))
