"""A bucket: the gradients of some parameters as one array, which ranks exchange and sum up together."""

from __future__ import annotations

from typing import NamedTuple

from minunet.autograd.tensor import Tensor
from minunet.kernels.backend import Array, array_module
from minunet.ranks import Ranks
from minunet.training.gradient_exchange import Exchange, even_shares
from minunet.training.micro_batches import MicroBatches
from minunet.training.ordered_sum import Branch, OrderedSum, branches_of
from minunet.training.squares import leaf_ends


class ParameterPart(NamedTuple):
    """Neighbouring values of a parameter.

    Attributes
    ----------
    parameter : Tensor
    values : slice
        Of its flat array.
    """

    parameter: Tensor
    values: slice


class GradientBucket:
    """The gradients of some parameters as one array, and the sum of them over the micro-batches.

    Parameters
    ----------
    parameters : list of Tensor
    division : MicroBatches
    ranks : Ranks

    Attributes
    ----------
    shares : list of slice
        Of each rank; they end where a leaf of `minunet.training.squares` ends.
    parts : list of lists of (ParameterPart, slice)
        For each rank the parts of parameters of which its share consists, in their order, and where they are in the share.
    exchange : Exchange or None
        With the other ranks, where there are some.
    total : array
        The own share of the sum, after `sum_up`; it may be changed.
    """

    def __init__(self, parameters: list[Tensor], division: MicroBatches, ranks: Ranks):
        self.parameters, self.division, self.ranks = parameters, division, ranks
        self.places: list[slice] = []
        ends: list[int] = []
        end = 0
        for parameter in parameters:
            self.places.append(slice(end, end + parameter.data.size))
            ends += [end + leaf for leaf in leaf_ends(parameter.data.size)]
            end = ends[-1]
        self.size = end
        self.shares = even_shares(ends, ranks.size)
        self.parts = [self._parts(share) for share in self.shares]
        self.exchange: Exchange | None = None
        self.total: Array
        self._slots: list[Array] = []

    def _parts(self, share: slice) -> list[tuple[ParameterPart, slice]]:
        parts = []
        for parameter, place in zip(self.parameters, self.places, strict=True):
            start, stop = max(share.start, place.start), min(share.stop, place.stop)
            if start < stop:
                part = ParameterPart(parameter, slice(start - place.start, stop - place.start))
                parts.append((part, slice(start - share.start, stop - share.start)))
        return parts

    def begin(self, samples: int) -> None:
        """Begin with a batch of so many samples."""
        count = self.division.parts(samples)
        self._own, self._count = self.division.own(samples), count
        self._sum, self._part, self._missing = OrderedSum(count), self._own.start, set(range(len(self.parameters)))
        self._current: Array | None = None
        self._branches = [
            branches_of(own.start, own.stop, count)
            for own in (self.division.own(samples, rank) for rank in range(self.ranks.size))
        ]
        if self.exchange is not None:
            self.exchange.begin([len(branches) for branches in self._branches])

    @property
    def is_full(self) -> bool:
        """Whether all own micro-batches are in it."""
        return self._part == self._own.stop

    def add(self, place: int) -> bool:
        """Take the gradient of a parameter; returns whether the bucket is full now."""
        parameter = self.parameters[place]
        assert parameter.grad is not None
        if self._current is None:
            self._current = self._slot()
        self._current[self.places[place]] = parameter.grad.reshape(-1)
        parameter.grad = None
        self._missing.discard(place)
        if self._missing:
            return False
        self._end_part()
        return self.is_full

    def fill(self, part: int | None = None) -> None:
        """Fill in zeros for the gradients that have not come of micro-batches before `part`, by default of all own ones."""
        while self._part < (self._own.stop if part is None else part):
            if self._current is None:
                self._current = self._slot()
            for place in self._missing:
                self._current[self.places[place]] = 0
            self._end_part()

    def send(self) -> None:
        """Begin to send each rank its share of the own branches, and to receive the own share of those of all ranks."""
        if self.exchange is not None:
            self.exchange.send()

    def sum_up(self, divisor: float) -> None:
        """Add up the own share of all branches, and divide it."""
        total = self._sum
        if self.exchange is not None:
            rows = iter(self.exchange.received())
            total = OrderedSum(self._count)
            for branch in (branch for branches in self._branches for branch in branches):
                total.add(branch._replace(value=next(rows)))
        self.total = total.branches[0].value
        self.total /= self.total.dtype.type(divisor)

    def hand_out(self) -> None:
        """Give the parameters their sums, which have been gathered."""
        total = self.total
        if self.exchange is not None:
            total = array_module(total).concatenate(self.exchange.gathered())
        for parameter, place in zip(self.parameters, self.places, strict=True):
            parameter.grad = total[place].reshape(parameter.shape)

    def _end_part(self) -> None:
        self._sum.add(Branch(self._part, 0, self._current))
        self._part += 1
        self._missing, self._current = set(range(len(self.parameters))), None

    def _slot(self) -> Array:
        """The array for the next micro-batch: those of the branches so far stay, and the one after them is free."""
        number = len(self._sum.branches)
        if self.exchange is not None:
            return self.exchange.slot(number)
        while number >= len(self._slots):
            first = self.parameters[0].data
            self._slots.append(array_module(first).zeros(self.size, first.dtype))
        return self._slots[number]
