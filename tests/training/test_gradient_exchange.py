"""The exchange of arrays between ranks, by messages and in shared memory: each gets its share, and all get what each gives."""

import numpy as np
import pytest

from minunet.training import shared_memory
from minunet.training.gradient_exchange import MessageExchange, even_shares
from minunet.training.gradient_transport import MpiTransport
from minunet.training.shared_memory import SharedMemoryExchange, fits_shared_memory
from tests.threads_as_ranks import in_ranks, thread_window, values_of

SHARES = [slice(0, 3), slice(3, 3), slice(3, 10)]  # uneven, and one has none


@pytest.fixture(params=["messages", "shared memory"])
def connect(request, monkeypatch):
    """A function that makes the exchange of a rank."""
    if request.param == "messages":
        like = np.zeros(1, np.float32)
        return lambda ranks: MessageExchange(MpiTransport(ranks.communicator), ranks, SHARES, like)
    monkeypatch.setattr(shared_memory, "allocate_window", thread_window)
    return lambda ranks: SharedMemoryExchange(ranks, SHARES, np.dtype(np.float32))


def array(batch, rank, number):
    return np.arange(10, dtype=np.float32) + 1000 * batch + 100 * rank + 10 * number


@pytest.mark.parametrize("batches", [[(1, 1, 1)], [(1, 1, 2), (2, 1, 1)], [(1, 0, 1), (0, 1, 0), (3, 0, 0), (1, 1, 1)]])
def test_each_rank_has_its_share_of_all_arrays(connect, batches):
    def work(ranks):
        exchange, found = connect(ranks), []
        for batch, counts in enumerate(batches):
            exchange.begin(counts)
            for number in range(counts[ranks.rank]):
                exchange.slot(number)[:] = array(batch, ranks.rank, number)
            exchange.slot(counts[ranks.rank])[:] = -1  # one more than is sent, for a sum on the way
            exchange.send()
            found.append([row.tolist() for row in exchange.received()])
            exchange.own()[:] = 0
            exchange.gather()
            exchange.gathered()
        return found

    for rank, found in enumerate(values_of(in_ranks(3, work))):
        for batch, counts in enumerate(batches):
            rows = [(sender, number) for sender, count in enumerate(counts) for number in range(count)]
            assert found[batch] == [array(batch, *row)[SHARES[rank]].tolist() for row in rows]


def test_what_is_given_reaches_all_ranks_time_after_time(connect):
    def work(ranks):
        exchange, found = connect(ranks), []
        exchange.begin((1, 1, 1))
        for time in range(5):
            exchange.own()[:] = 10 * time + ranks.rank
            exchange.gather()
            found.append(np.concatenate(exchange.gathered()).tolist())
        return found

    expected = [[10.0 * time] * 3 + [10.0 * time + 2] * 7 for time in range(5)]
    assert values_of(in_ranks(3, work)) == [expected] * 3


def test_a_slot_in_shared_memory_is_the_one_that_others_read(monkeypatch):
    """Nothing is copied: a sum of the own share is in the memory of the first rank, which its next batch overwrites."""
    monkeypatch.setattr(shared_memory, "allocate_window", thread_window)

    def work(ranks):
        exchange = SharedMemoryExchange(ranks, SHARES, np.dtype(np.float32))
        exchange.begin((1, 1, 1))
        exchange.slot(0)[:] = ranks.rank
        exchange.send()
        rows = exchange.received()
        rows[0] += rows[2]
        ranks.gather(None)
        return exchange.slot(0).tolist()

    assert values_of(in_ranks(3, work))[0] == [2.0] * 10


@pytest.mark.parametrize(
    ("ranks", "cuts"), [(1, [0, 10]), (2, [0, 5, 10]), (3, [0, 2, 7, 10]), (6, [0, 2, 2, 5, 7, 7, 10])]
)
def test_shares_end_where_a_part_ends(ranks, cuts):
    assert even_shares([2, 5, 7, 10], ranks) == [slice(*pair) for pair in zip(cuts, cuts[1:], strict=False)]


def test_shared_memory_needs_one_machine_and_room_on_every_rank(monkeypatch, tmp_path):
    monkeypatch.setattr(shared_memory, "FOLDER", tmp_path)
    sizes = iter([1000, 99])

    def free(folder):
        return type("Usage", (), {"free": next(sizes)})

    monkeypatch.setattr(shared_memory.shutil, "disk_usage", free)

    def work(ranks, nodes=1):
        ranks.node_size = ranks.size // nodes
        return fits_shared_memory(ranks, 50)

    assert values_of(in_ranks(2, work)) == [False] * 2  # one of them has no room
    sizes = iter([100, 100])
    assert values_of(in_ranks(2, work)) == [True] * 2
    assert values_of(in_ranks(2, lambda ranks: work(ranks, nodes=2))) == [False] * 2
    monkeypatch.setattr(shared_memory, "FOLDER", tmp_path / "none")
    assert values_of(in_ranks(2, work)) == [False] * 2
