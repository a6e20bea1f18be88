"""The transport of gradients between GPUs: NCCL through CuPy, on a stream of its own, so that it runs beside the backward pass."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from minunet.errors import UserError
from minunet.kernels.backend import Array
from minunet.ranks import Ranks
from minunet.training.gradient_transport import starts


class NcclTransport:
    """A `Transport` between the GPUs of ranks, of which each has one.

    Parameters
    ----------
    ranks : Ranks
        MPI tells them of each other; the gradients go from GPU to GPU.
    cupy : module

    Raises
    ------
    UserError
        On every rank, where one has no NCCL.
    """

    def __init__(self, ranks: Ranks, cupy: ModuleType):
        self.cupy, self.nccl = cupy, cupy.cuda.nccl
        missing = None
        if not self.nccl.available:
            missing = UserError(
                "training on several GPUs needs NCCL, which CuPy does not find: "
                "pip install nvidia-nccl-cu13 (or nvidia-nccl-cu12), or train with --device cpu."
            )
        ranks.gather(None, missing)
        number = ranks.share(self.nccl.get_unique_id() if ranks.is_first else None)
        self.communicator = self.nccl.NcclCommunicator(ranks.size, number, ranks.rank)
        self.stream = cupy.cuda.Stream(non_blocking=True)

    def exchange(self, sent: Array, sent_counts: Sequence[int], received: Array, received_counts: Sequence[int]) -> Any:
        """As `Transport.exchange`."""
        return self._exchange(sent, starts(sent_counts), sent_counts, received, received_counts)

    def gather(self, own: Array, total: Array, counts: Sequence[int]) -> Any:
        """As `Transport.gather`; the shares of ranks may differ in length, unlike those of NCCL's allGather."""
        ranks = len(counts)
        return self._exchange(own, [0] * ranks, [own.size] * ranks, total, counts)

    def wait(self, request: Any) -> None:
        """Let the kernels that are launched from now on wait; the processor does not."""
        self.cupy.cuda.get_current_stream().wait_event(request[0])

    def progress(self) -> None:
        """Nothing: a GPU needs no help."""

    def _exchange(
        self,
        sent: Array,
        sent_starts: Sequence[int],
        sent_counts: Sequence[int],
        received: Array,
        received_counts: Sequence[int],
    ) -> Any:
        """Begin to send each rank some values of `sent`, and to receive a part of `received` from each."""
        self._follow()
        self.nccl.groupStart()
        for peer, (start, count) in enumerate(zip(sent_starts, sent_counts, strict=True)):
            if count:
                pointer = sent.data.ptr + start * sent.itemsize
                self.communicator.send(pointer, count, self._type(sent), peer, self.stream.ptr)
        for peer, (start, count) in enumerate(zip(starts(received_counts), received_counts, strict=True)):
            if count:
                pointer = received.data.ptr + start * received.itemsize
                self.communicator.recv(pointer, count, self._type(received), peer, self.stream.ptr)
        self.nccl.groupEnd()
        return self.stream.record(), sent, received  # the arrays stay until this is waited for

    def _follow(self) -> None:
        """What has been launched so far comes before what is sent next."""
        self.stream.wait_event(self.cupy.cuda.get_current_stream().record())

    def _type(self, array: Array) -> int:
        return self.nccl.NCCL_FLOAT64 if array.itemsize == 8 else self.nccl.NCCL_FLOAT32
