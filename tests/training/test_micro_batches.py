"""Micro-batches: how batches are divided, and shared out over ranks."""

import pytest

from minunet.training.micro_batches import MicroBatches, default_size


@pytest.mark.parametrize("size", [1, 2, 3, 8])
@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("samples", [1, 2, 5, 8])
def test_every_sample_is_in_one_micro_batch_of_one_rank(size, ranks, samples):
    seen, parts = [], []
    for rank in range(ranks):
        division = MicroBatches(size, rank, ranks)
        own = list(range(samples))[division.samples(samples)]
        pieces = [own[piece] for piece in division.pieces(samples)]
        assert len(pieces) == len(division.own(samples))
        parts += pieces
        seen += own
    assert seen == list(range(samples))
    assert [sample for piece in parts for sample in piece] == seen
    assert [len(piece) for piece in parts[:-1]] == [size] * (len(parts) - 1)


@pytest.mark.parametrize(
    ("batch_size", "ranks", "size"), [(8, 2, 2), (8, 4, 2), (8, 3, 2), (8, 8, 1), (4, 2, 1), (1, 2, 1), (32, 5, 4)]
)
def test_one_two_and_four_processes_have_the_same_micro_batches_by_default(batch_size, ranks, size):
    assert default_size(batch_size, ranks) == size
