"""The sum of gradients over ranks: the same bits for any number of ranks, sent in one order, while the backward pass runs."""

import numpy as np
import pytest

from minunet.autograd.tensor import Tensor
from minunet.ranks import Ranks
from minunet.training.gradient_sum import GradientSum
from minunet.training.micro_batches import MicroBatches
from tests.threads_as_ranks import in_ranks, values_of

SHAPES = [(3, 3, 1, 4), (4,), (7, 5), (1,), (2, 2)]


def gradient(part, place):
    rng = np.random.default_rng((part, place))
    return rng.standard_normal(SHAPES[place]).astype(np.float32)


def summed(ranks, samples, *, size=1, skip=(), bucket=12, batches=1):
    """The gradients of all parameters after each batch, on this rank."""
    parameters = [Tensor(np.zeros(shape, np.float32), requires_grad=True) for shape in SHAPES]
    division = MicroBatches(size, ranks.rank, ranks.size)
    total, found = GradientSum(parameters, division, ranks, bucket=bucket), []
    for batch in range(batches):
        total.begin(samples)
        for part in division.own(samples):
            for place in reversed(range(len(SHAPES))):
                if place not in skip:
                    parameters[place].grad = gradient(100 * batch + part, place)
                    total.complete(parameters[place])
            total.end_part()
        total.end()
        total.finish(samples)
        total.hand_out()
        found.append([parameter.grad.copy() for parameter in parameters])
    return found


@pytest.mark.parametrize("samples", [1, 3, 8])
@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_any_number_of_ranks_gives_the_same_bits(ranks, samples):
    (alone,) = values_of(in_ranks(1, lambda alone: summed(alone, samples, batches=2)))
    for of_rank in values_of(in_ranks(ranks, lambda own: summed(own, samples, batches=2))):
        for expected, found in zip(alone, of_rank, strict=True):
            assert [array.tobytes() for array in found] == [array.tobytes() for array in expected]


@pytest.mark.parametrize("bucket", [1, 12, 1000])
def test_it_is_the_mean_of_the_gradients(bucket):
    for of_rank in values_of(in_ranks(2, lambda own: summed(own, 6, size=2, bucket=bucket))):
        for place, found in enumerate(of_rank[0]):
            expected = sum(gradient(part, place).astype(np.float64) for part in range(3)) / 6
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_parameter_without_a_gradient_counts_as_zeros():
    for of_rank in values_of(in_ranks(2, lambda own: summed(own, 4, skip=(2,)))):
        assert not of_rank[0][2].any() and of_rank[0][1].any()


def test_a_parameter_that_is_not_to_be_updated_is_left_without_a_gradient():
    (own, other) = (Tensor(np.zeros(3, np.float32), requires_grad=True) for _ in range(2))
    total = GradientSum([own], MicroBatches(1), Ranks())
    total.begin(1)
    for parameter in (other, own):
        parameter.grad = np.ones(3, np.float32)
        total.complete(parameter)
    total.end()
    total.finish(1)
    total.hand_out()
    assert other.grad is None
    np.testing.assert_array_equal(own.grad, 1)


def test_a_bucket_is_sent_as_soon_as_it_is_full():
    events = []

    class Recorder:
        def exchange(self, sent, sent_counts, received, received_counts):
            events.append(f"sent {sum(sent_counts)}")

        def progress(self):
            events.append("progress")

    parameters = [Tensor(np.zeros(10, np.float32), requires_grad=True) for _ in range(4)]

    def work(ranks):
        total = GradientSum(parameters, MicroBatches(1, ranks.rank, ranks.size), ranks, Recorder(), bucket=20)
        total.begin(4)
        for _ in range(2):
            for parameter in reversed(parameters):
                parameter.grad = np.ones(10, np.float32)
                events.append("gradient")
                total.complete(parameter)
            total.end_part()

    class Two:
        rank, size, communicator = 0, 2, None

    work(Two())
    first_part, second_part = ["gradient", "progress"] * 4, ["gradient", "progress", "gradient", "sent 20"] * 2
    assert events == first_part + second_part


def test_after_an_error_what_is_missing_is_sent_too():
    def work(ranks):
        parameters = [Tensor(np.zeros(5, np.float32), requires_grad=True) for _ in range(3)]
        total = GradientSum(parameters, MicroBatches(1, ranks.rank, ranks.size), ranks, bucket=5)
        total.begin(4)
        if ranks.rank == 0:
            parameters[2].grad = np.ones(5, np.float32)
            total.complete(parameters[2])
        total.end()
        total.cancel()
        total.begin(1)
        if ranks.rank == 1:  # a batch of one sample is the last rank's
            for parameter in reversed(parameters):
                parameter.grad = np.full(5, 3, np.float32)
                total.complete(parameter)
        total.end()
        total.finish(2)
        total.hand_out()
        return [parameter.grad.tolist() for parameter in parameters]

    assert values_of(in_ranks(2, work)) == [[[1.5] * 5] * 3] * 2
