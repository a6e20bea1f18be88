"""Ranks without MPI: threads of one process, with a communicator that has the few methods of mpi4py's that minunet uses."""

import copy
import threading

import numpy as np

from minunet.ranks import Ranks

PATIENCE = 30  # seconds that a thread waits for the others before the test fails


class World:
    """What the threads share."""

    def __init__(self, size):
        self.size = size
        self.changed = threading.Condition()
        self.posted = {}

    def post(self, kind, number, rank, value):
        with self.changed:
            self.posted.setdefault((kind, number), {})[rank] = value
            self.changed.notify_all()

    def values(self, kind, number):
        """What all ranks have posted, in their order."""
        with self.changed:
            found = self.posted.setdefault((kind, number), {})
            if not self.changed.wait_for(lambda: len(found) == self.size, PATIENCE):
                raise TimeoutError(f"{kind} {number}: only ranks {sorted(found)} have called it")
            return [found[rank] for rank in range(self.size)]


class Request:
    def __init__(self, wait):
        self.Wait = wait

    def Test(self):
        self.Wait()
        return True


class ThreadCommunicator:
    """Every operation has a number: ranks that call different ones, or in another order, wait in vain."""

    def __init__(self, world, rank):
        self.world, self.rank, self.size, self.calls = world, rank, world.size, 0

    def _post(self, kind, value):
        self.calls += 1
        self.world.post(kind, self.calls, self.rank, value)
        return kind, self.calls

    def allgather(self, value):
        return [copy.deepcopy(value) for value in self.world.values(*self._post("allgather", value))]

    def bcast(self, value, root):
        return copy.deepcopy(self.world.values(*self._post("bcast", value))[root])

    def Ibarrier(self):
        key = self._post("barrier", None)
        return Request(lambda: self.world.values(*key))

    def Iprobe(self):
        return False

    def Ialltoallv(self, sent, received):
        array, (counts, starts) = sent
        parts = [array[start : start + count].copy() for start, count in zip(starts, counts, strict=True)]
        key = self._post("alltoall", parts)

        def wait():
            target, (counts, starts) = received
            for of_rank, start, count in zip(self.world.values(*key), starts, counts, strict=True):
                assert len(of_rank[self.rank]) == count
                target[start : start + count] = of_rank[self.rank]

        return Request(wait)

    def Iallgatherv(self, own, received):
        key = self._post("gather", own.copy())

        def wait():
            total, (counts, starts) = received
            for of_rank, start, count in zip(self.world.values(*key), starts, counts, strict=True):
                assert len(of_rank) == count
                total[start : start + count] = of_rank

        return Request(wait)


class ThreadWindow:
    """Shared memory as `MPI.Win.Allocate_shared` gives it: the memory of each rank, seen by all."""

    def __init__(self, memories):
        self.memories = memories

    def Shared_query(self, rank):
        return self.memories[rank], 1

    def Sync(self):
        pass

    def Unlock_all(self):
        pass

    def Free(self):
        self.memories = None


def thread_window(communicator, size):
    """In the place of `minunet.training.shared_memory.allocate_window`."""
    return ThreadWindow(communicator.world.values(*communicator._post("window", np.full(size, 255, np.uint8))))


def in_ranks(count, work):
    """What `work(ranks)` returns in each of so many ranks; the exception of the first one that has raised one."""
    world, results = World(count), [None] * count

    def run(rank):
        try:
            results[rank] = work(Ranks(ThreadCommunicator(world, rank) if count > 1 else None))
        except BaseException as error:
            results[rank] = error

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def values_of(results):
    """The results of ranks of which none has failed."""
    errors = [result for result in results if isinstance(result, BaseException)]
    for error in sorted(errors, key=lambda error: isinstance(error, TimeoutError)):  # which others only wait for it
        raise error
    return results
