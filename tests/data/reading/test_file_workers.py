import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from minunet.data.reading.file_workers import map_files, worker_count


def test_results_are_in_the_order_of_the_items():
    events = [threading.Event() for _ in range(2)]

    def second_first(i):
        if worker_count() > 1 and i == 0:
            events[1].wait(10)
        events[i].set()
        return 10 * i

    assert map_files(second_first, range(2), None) == [0, 10]
    assert map_files(lambda i: i, [], None) == []


def test_an_error_drops_what_has_not_begun(monkeypatch):
    begun, dropped = [], threading.Event()
    shutdown = ThreadPoolExecutor.shutdown

    def recorded(self, wait=True, *, cancel_futures=False):
        shutdown(self, wait=wait, cancel_futures=cancel_futures)
        if cancel_futures:
            dropped.set()

    def fail_first(i):
        begun.append(i)
        if i == 0:
            raise OSError("gone")
        dropped.wait(10)

    monkeypatch.setattr(ThreadPoolExecutor, "shutdown", recorded)
    with pytest.raises(OSError, match="gone"):
        map_files(fail_first, range(1000), None)
    assert len(begun) <= worker_count() + 1
