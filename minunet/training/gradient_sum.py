"""The gradient of a batch as the sum over its micro-batches, which several processes compute, in an order that is always the same.

The parameters are divided into buckets. As soon as the backward pass of the last micro-batch of a process has filled a bucket,
the bucket is sent, while the pass goes on to the layers before it. Each process adds up a share of every bucket (a
reduce-scatter), and the sums are gathered: what is sent is that of a ring, 2 (p - 1) / p times the gradient for p processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minunet.autograd.tensor import Tensor
from minunet.kernels.backend import Array, array_module, device_of
from minunet.ranks import Ranks
from minunet.training.gradient_transport import MpiTransport, Transport
from minunet.training.micro_batches import MicroBatches
from minunet.training.nccl_transport import NcclTransport
from minunet.training.ordered_sum import Branch, OrderedSum, branches_of

BUCKET = 1 << 20  # values in a bucket: 4 MB


class GradientSum:
    """The sum of the gradients of one batch after the other.

    Parameters
    ----------
    parameters : sequence of Tensor
        In the order of their use; all of one dtype.
    division : MicroBatches
    ranks : Ranks
    transport : Transport, optional
        Sends arrays between the ranks; by default MPI, or NCCL between GPUs.
    bucket : int
        Values in a bucket, at most, unless a single parameter has more.
    """

    def __init__(
        self,
        parameters: Sequence[Tensor],
        division: MicroBatches,
        ranks: Ranks,
        transport: Transport | None = None,
        bucket: int = BUCKET,
    ):
        self.division, self.ranks = division, ranks
        if transport is None and ranks.size > 1:
            first = parameters[0].data
            on_cpu = device_of(first) == "cpu"
            transport = MpiTransport(ranks.communicator) if on_cpu else NcclTransport(ranks, array_module(first))
        self.transport = transport
        groups: list[list[Tensor]] = []
        for parameter in reversed(parameters):  # the order in which a backward pass completes them
            if groups and sum(p.data.size for p in groups[-1]) + parameter.data.size <= bucket:
                groups[-1].append(parameter)
            else:
                groups.append([parameter])
        self.buckets = [GradientBucket(group, division, ranks) for group in groups]
        self._of = {id(p): (place, bucket) for bucket in self.buckets for place, p in enumerate(bucket.parameters)}
        self._sent = 0

    def begin(self, samples: int) -> None:
        """Begin with a batch of so many samples."""
        self._sent, self._part = 0, self.division.own(samples).start
        for bucket in self.buckets:
            bucket.begin(samples)

    def complete(self, parameter: Tensor) -> None:
        """Add the gradient of a parameter, that of the current micro-batch; the parameter is left without one."""
        place, bucket = self._of[id(parameter)]
        if bucket.add(place):
            self._send()
        elif self.transport is not None:
            self.transport.progress()

    def end_part(self) -> None:
        """End a micro-batch; parameters whose gradient has not come have none."""
        self._part += 1
        for bucket in self.buckets:
            bucket.fill(self._part)
        self._send()

    def end(self) -> None:
        """Send what has not been sent, also if not all own micro-batches were done, as after an error."""
        for bucket in self.buckets:
            bucket.fill()
        self._send()

    def finish(self, divisor: float) -> None:
        """Give every parameter the sum over all micro-batches of all ranks, divided by a number."""
        for bucket in self.buckets:
            bucket.sum_up(self.transport, divisor)
        for bucket in self.buckets:
            bucket.hand_out(self.transport)

    def cancel(self) -> None:
        """Wait for what has been sent, and forget it."""
        for bucket in self.buckets:
            bucket.receive(self.transport)

    def _send(self) -> None:
        """Send the full buckets in their order, which is that of all ranks."""
        while self._sent < len(self.buckets) and self.buckets[self._sent].is_full:
            self.buckets[self._sent].send(self.transport)
            self._sent += 1


class GradientBucket:
    """The gradients of some parameters as one array, and the sum of them over the micro-batches.

    Parameters
    ----------
    parameters : list of Tensor
    division : MicroBatches
    ranks : Ranks
    """

    def __init__(self, parameters: list[Tensor], division: MicroBatches, ranks: Ranks):
        self.parameters, self.division, self.ranks = parameters, division, ranks
        self.size = sum(parameter.data.size for parameter in parameters)
        self.places: list[slice] = []
        end = 0
        for parameter in parameters:
            self.places.append(slice(end, end := end + parameter.data.size))
        # The share of each rank is equally long, for which the last one may have some values too many.
        self.share = -(-self.size // ranks.size)
        self._free: list[Array] = []
        self._received: Array | None = None
        self._request: Any = None

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

    @property
    def is_full(self) -> bool:
        """Whether all own micro-batches are in it."""
        return self._part == self._own.stop

    def add(self, place: int) -> bool:
        """Take the gradient of a parameter; returns whether the bucket is full now."""
        parameter = self.parameters[place]
        assert parameter.grad is not None
        if self._current is None:
            self._current = self._array()
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
                self._current = self._array()
            for place in self._missing:
                self._current[self.places[place]] = 0
            self._end_part()

    def send(self, transport: Transport | None) -> None:
        """Begin to send each rank its share of the own branches, and to receive the own share of those of all ranks."""
        if transport is None:
            return
        own = self._branches[self.ranks.rank]
        parts = [len(branches) for branches in self._branches]
        if len(own) == 1:
            sent = self._sum.branches[0].value
        else:
            sent = self._empty(self.ranks.size * len(own) * self.share)
            for number, branch in enumerate(self._sum.branches):  # what is sent to a rank lies together
                rows = branch.value.reshape(self.ranks.size, self.share)
                sent.reshape(self.ranks.size, len(own), self.share)[:, number] = rows
        if self._received is None or self._received.size != sum(parts) * self.share:
            self._received = self._empty(sum(parts) * self.share)
        self._request = transport.exchange(
            sent, [len(own) * self.share] * self.ranks.size, self._received, [n * self.share for n in parts]
        )

    def receive(self, transport: Transport | None) -> None:
        """Wait for what is being received."""
        if transport is not None and self._request is not None:
            transport.wait(self._request)
            self._request = None

    def sum_up(self, transport: Transport | None, divisor: float) -> None:
        """Add up the own share of all branches, divide it, and begin to gather those of all ranks."""
        self.receive(transport)
        if transport is None:
            self._total = self._sum.branches[0].value
            self._total /= self._total.dtype.type(divisor)
            return
        assert self._received is not None
        rows = iter(self._received.reshape(-1, self.share))
        total = OrderedSum(self._count)
        for branch in (branch for branches in self._branches for branch in branches):
            total.add(branch._replace(value=next(rows)))
        own = total.branches[0].value
        own /= own.dtype.type(divisor)
        self._free += [branch.value for branch in self._sum.branches]
        self._total = self._array()
        self._request = transport.gather(own, self._total)

    def hand_out(self, transport: Transport | None) -> None:
        """Give the parameters their sums."""
        self.receive(transport)
        for parameter, place in zip(self.parameters, self.places, strict=True):
            parameter.grad = self._total[place].reshape(parameter.shape)
        self._free += self._sum.free
        self._free.append(self._total)  # written to again in the next batch only

    def _end_part(self) -> None:
        self._sum.add(Branch(self._part, 0, self._current))
        self._free += self._sum.free
        self._sum.free.clear()
        self._part += 1
        self._missing, self._current = set(range(len(self.parameters))), None

    def _array(self) -> Array:
        """An array for a gradient of the bucket."""
        return self._free.pop() if self._free else self._empty(self.share * self.ranks.size)

    def _empty(self, size: int) -> Array:
        first = self.parameters[0].data
        return array_module(first).zeros(size, first.dtype)
