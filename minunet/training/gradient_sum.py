"""The gradient of a batch as the sum over its micro-batches, which several processes compute, in an order that is always the same.

The parameters are divided into buckets. As soon as the backward pass of the last micro-batch of a process has filled a bucket,
the bucket is sent, while the pass goes on to the layers before it. Each process adds up a share of every bucket (a
reduce-scatter). It then updates these values (`SharedUpdate`), or the sums are gathered.
"""

from __future__ import annotations

from collections.abc import Sequence

from minunet.autograd.tensor import Tensor
from minunet.kernels.backend import array_module, device_of
from minunet.ranks import Ranks
from minunet.training.gradient_bucket import GradientBucket
from minunet.training.gradient_exchange import MessageExchange
from minunet.training.gradient_transport import MpiTransport, Transport
from minunet.training.micro_batches import MicroBatches
from minunet.training.nccl_transport import NcclTransport
from minunet.training.shared_memory import SharedMemoryExchange, fits_shared_memory

BUCKET = 1 << 20  # values in a bucket: 4 MB
ARRAYS = 8  # of a rank in shared memory, as long as the gradient: one for each branch of its sum, even of 125 parts


class GradientSum:
    """The sum of the gradients of one batch after the other.

    Parameters
    ----------
    parameters : sequence of Tensor
        In the order of their use; all of one dtype.
    division : MicroBatches
    ranks : Ranks
    transport : Transport, optional
        Sends arrays between the ranks; by default NCCL between GPUs, MPI between machines, and none where memory is shared.
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
        groups: list[list[Tensor]] = []
        for parameter in reversed(parameters):  # the order in which a backward pass completes them
            if groups and sum(p.data.size for p in groups[-1]) + parameter.data.size <= bucket:
                groups[-1].append(parameter)
            else:
                groups.append([parameter])
        self.buckets = [GradientBucket(group, division, ranks) for group in groups]
        if ranks.size > 1:
            self._connect(parameters, transport)
        self._of = {id(p): (place, bucket) for bucket in self.buckets for place, p in enumerate(bucket.parameters)}
        self._sent = 0

    def _connect(self, parameters: Sequence[Tensor], transport: Transport | None) -> None:
        """Give each bucket its exchange with the other ranks."""
        first, size = parameters[0].data, sum(p.data.nbytes for p in parameters)
        on_cpu = device_of(first) == "cpu"
        if transport is None and on_cpu and fits_shared_memory(self.ranks, ARRAYS * size * self.ranks.size):
            for bucket in self.buckets:
                bucket.exchange = SharedMemoryExchange(self.ranks, bucket.shares, first.dtype)
            return
        if transport is None:
            transport = (
                MpiTransport(self.ranks.communicator) if on_cpu else NcclTransport(self.ranks, array_module(first))
            )
        for bucket in self.buckets:
            bucket.exchange = MessageExchange(transport, self.ranks, bucket.shares, first)

    def begin(self, samples: int) -> None:
        """Begin with a batch of so many samples."""
        self._sent, self._part = 0, self.division.own(samples).start
        for bucket in self.buckets:
            bucket.begin(samples)

    def complete(self, parameter: Tensor) -> None:
        """Add the gradient of a parameter, that of the current micro-batch; the parameter is left without one.

        That of another parameter, which is not to be updated, is forgotten.
        """
        if id(parameter) not in self._of:
            parameter.grad = None
            return
        place, bucket = self._of[id(parameter)]
        if bucket.add(place):
            self._send()
        elif bucket.exchange is not None:
            bucket.exchange.progress()

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
        """Sum up the own share of every bucket over all micro-batches of all ranks, divided by a number."""
        for bucket in self.buckets:
            bucket.sum_up(divisor)

    def hand_out(self) -> None:
        """After `finish`: give every parameter its gradient."""
        for bucket in self.buckets:
            if bucket.exchange is not None:
                bucket.exchange.own()[:] = bucket.total
                bucket.exchange.gather()
        for bucket in self.buckets:
            bucket.hand_out()

    def cancel(self) -> None:
        """Wait for what has been sent, and forget it."""
        for bucket in self.buckets:
            if bucket.exchange is not None:
                bucket.exchange.cancel()

    def _send(self) -> None:
        """Send the full buckets in their order, which is that of all ranks."""
        while self._sent < len(self.buckets) and self.buckets[self._sent].is_full:
            self.buckets[self._sent].send()
            self._sent += 1
