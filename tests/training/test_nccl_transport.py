"""NCCL between GPUs, without a GPU: a stand-in for CuPy and NCCL whose arrays are NumPy's, in threads as ranks."""

import types

import numpy as np
import pytest

from minunet.autograd.tensor import Tensor
from minunet.errors import UserError
from minunet.training.gradient_sum import GradientSum
from minunet.training.micro_batches import MicroBatches
from minunet.training.nccl_transport import NcclTransport
from tests.threads_as_ranks import in_ranks, values_of


class DeviceArray(np.ndarray):
    """An array of NumPy that tells its address as one of CuPy does."""

    @property
    def data(self):
        return types.SimpleNamespace(ptr=self.ctypes.data)


def memory(pointer, count, type_):
    import ctypes

    kind = ctypes.c_double if type_ == StandIn.NCCL_FLOAT64 else ctypes.c_float
    return np.ctypeslib.as_array(ctypes.cast(pointer, ctypes.POINTER(kind)), (count,))


class Stream:
    """Notes what is launched and waited for, in order."""

    ptr = 7

    def __init__(self, events, name, non_blocking=False):
        self.events, self.name = events, name

    def record(self):
        self.events.append(f"{self.name} records")
        return self.name

    def wait_event(self, event):
        self.events.append(f"{self.name} waits for {event}")


class StandIn:
    """The functions of cupy.cuda.nccl that are used, for one rank; sends wait in a group until it ends."""

    NCCL_FLOAT32, NCCL_FLOAT64, available = 7, 8, True

    def __init__(self, communicator, events):
        self.communicator, self.events, self.group = communicator, events, None

    def get_unique_id(self):
        return (1, 2, 3)

    def NcclCommunicator(self, size, number, rank):
        assert number == (1, 2, 3) and (size, rank) == (self.communicator.size, self.communicator.rank)
        return self

    def groupStart(self):
        self.group = ({}, {})

    def send(self, pointer, count, type_, peer, stream):
        assert stream == Stream.ptr
        self.group[0][peer] = memory(pointer, count, type_).copy()

    def recv(self, pointer, count, type_, peer, stream):
        self.group[1][peer] = memory(pointer, count, type_)

    def groupEnd(self):
        self.events.append("exchange")
        sent = self.communicator.allgather(self.group[0])
        for peer, target in self.group[1].items():
            target[:] = sent[peer][self.communicator.rank]
        self.group = None


def fake_cupy(nccl, events):
    streams = {"compute": Stream(events, "compute")}
    return types.SimpleNamespace(
        cuda=types.SimpleNamespace(
            nccl=nccl,
            Stream=lambda non_blocking: Stream(events, "sending", non_blocking),
            get_current_stream=lambda: streams["compute"],
        )
    )


def work(ranks, events):
    transport = NcclTransport(ranks, fake_cupy(StandIn(ranks.communicator, events), events))
    shapes, samples = [(3, 3, 1, 2), (5,), (4, 4)], 5
    parameters = [Tensor(np.zeros(shape, np.float32), requires_grad=True) for shape in shapes]
    division = MicroBatches(1, ranks.rank, ranks.size)
    total = GradientSum(parameters, division, ranks, transport, bucket=16)
    for bucket in total.buckets:
        bucket.exchange._zeros = lambda size: np.zeros(size, np.float32).view(DeviceArray)
    total.begin(samples)
    for part in division.own(samples):
        for place in reversed(range(len(shapes))):
            parameters[place].grad = np.random.default_rng((part, place)).random(shapes[place], np.float32)
            total.complete(parameters[place])
        total.end_part()
    total.end()
    total.finish(samples)
    total.hand_out()
    return [np.array(parameter.grad) for parameter in parameters]


@pytest.mark.parametrize("ranks", [2, 3])
def test_gradients_are_those_of_mpi(ranks):
    shapes, samples = [(3, 3, 1, 2), (5,), (4, 4)], 5
    for found in values_of(in_ranks(ranks, lambda own: work(own, []))):
        for place, shape in enumerate(shapes):
            terms = [np.random.default_rng((part, place)).random(shape, np.float32) for part in range(samples)]
            expected = (((terms[0] + terms[1]) + (terms[2] + terms[3])) + terms[4]) / np.float32(samples)
            assert np.array_equal(found[place], expected)


def test_sending_comes_after_the_kernels_so_far_and_before_those_that_need_it():
    events = {0: [], 1: []}
    values_of(in_ranks(2, lambda own: work(own, events[own.rank])))
    exchange = ["compute records", "sending waits for compute", "exchange", "sending records"]
    assert events[0][:4] == exchange
    order = events[0]
    before = order[: order.index("compute waits for sending")]
    assert before.count("exchange") == 3  # of the three buckets
    assert order.count("exchange") == 6  # and what is handed out
    assert order[-1] == "compute waits for sending"


def test_without_nccl_every_rank_has_the_remedy():
    def lacking(ranks):
        nccl = StandIn(ranks.communicator, [])
        nccl.available = ranks.rank != 1
        NcclTransport(ranks, fake_cupy(nccl, []))

    for error in in_ranks(2, lacking):
        assert isinstance(error, UserError) and "nvidia-nccl" in str(error) and "rank 1 of 2" in str(error)
