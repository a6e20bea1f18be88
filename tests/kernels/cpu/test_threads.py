"""Parallel calls and the worker threads: order, errors, nesting, forks, and the number of threads."""

import contextlib
import os
import threading
import weakref

import numpy as np
import pytest

from minunet.kernels.cpu import threads


@pytest.fixture(autouse=True)
def three_threads(monkeypatch):
    monkeypatch.setattr(threads, "_num_threads", 3)


def test_results_come_in_the_order_of_the_jobs():
    assert threads.parallel(lambda job: job * job, range(100)) == [job * job for job in range(100)]


def test_no_jobs_is_no_work():
    assert threads.parallel(lambda job: 1 / 0, []) == []


def test_several_threads_take_part():
    meeting = threading.Barrier(3, timeout=30)  # passed only if three jobs run at once
    names = threads.parallel(lambda job: (meeting.wait(), threading.current_thread().name)[1], range(3))
    assert len(set(names)) == 3


def test_one_thread_runs_everything_on_the_caller():
    threads.set_num_threads(1)
    names = set(threads.parallel(lambda job: threading.current_thread().name, range(10)))
    assert names == {threading.current_thread().name}


def test_an_exception_reaches_the_caller_and_the_workers_survive_it():
    def job(number):
        if number % 7 == 5:
            raise ZeroDivisionError(f"job {number}")
        return number

    for _ in range(20):
        with pytest.raises(ZeroDivisionError, match="job"):
            threads.parallel(job, range(50))
        assert threads.parallel(abs, range(5)) == [0, 1, 2, 3, 4]


def test_nothing_runs_any_more_once_the_exception_is_there():
    running = []

    def job(number):
        if number == 1:
            raise ValueError("stop")
        running.append(number)
        for _ in range(200):
            np.ones(1000).sum()
        running.remove(number)

    for _ in range(20):
        with pytest.raises(ValueError, match="stop"):
            threads.parallel(job, range(10))
        assert running == []


def test_a_call_inside_a_job_runs_on_that_thread():
    def outer(job):
        names = threads.parallel(lambda inner: threading.current_thread().name, range(4))
        return set(names) == {threading.current_thread().name}

    assert all(threads.parallel(outer, range(6)))


def test_results_of_a_job_that_calls_again_stay_its_own():
    threads.set_num_threads(1)
    assert threads.parallel(lambda job: sum(threads.parallel(lambda k: k * job, range(5))), range(4)) == [0, 10, 20, 30]


def test_each_thread_enters_one_workspace_for_all_its_jobs():
    entered, left = [], []
    meeting = threading.Barrier(3, timeout=30)

    @contextlib.contextmanager
    def workspace():
        entered.append(threading.current_thread().name)
        try:
            yield threading.current_thread().name
        finally:
            left.append(threading.current_thread().name)

    def job(space, number):
        if number < 3:
            meeting.wait()  # so that every thread has at least one job
        assert space == threading.current_thread().name
        return number

    assert threads.parallel(job, range(12), workspace) == list(range(12))
    assert len(set(entered)) == 3
    assert sorted(entered) == sorted(left)

    def failing(space, number):
        raise ValueError("in a workspace")

    with pytest.raises(ValueError, match="in a workspace"):
        threads.parallel(failing, range(4), workspace)
    assert sorted(entered) == sorted(left)


def test_a_finished_call_keeps_nothing_alive():
    class Thing:
        pass

    for _ in range(200):  # workers wake up when they can, often after a call as short as this is over
        thing = Thing()
        gone = weakref.ref(thing)
        threads.parallel(lambda job, thing=thing: thing, range(3))
        del thing
        assert gone() is None


def test_two_threads_of_a_program_may_call_at_once():
    results = {}

    def call(key):
        results[key] = [threads.parallel(lambda job: job + key, range(20)) for _ in range(50)]

    callers = [threading.Thread(target=call, args=(key,)) for key in (0, 100)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    for key in (0, 100):
        assert results[key] == [[job + key for job in range(20)]] * 50


def test_the_callers_errstate_holds_in_the_workers():
    meeting = threading.Barrier(3, timeout=30)

    def job(number):
        meeting.wait()
        return float(np.divide(np.float32(1), np.zeros(1, np.float32))[0])

    with np.errstate(divide="ignore"):
        assert threads.parallel(job, range(3)) == [np.inf] * 3


@pytest.mark.parametrize("count", [0, -1, 1.5, "2", True, None])
def test_a_bad_number_of_threads_is_refused(count):
    with pytest.raises(ValueError, match="whole number from 1"):
        threads.set_num_threads(count)


def test_the_number_of_threads_can_be_set_and_defaults_to_the_cores(monkeypatch):
    threads.set_num_threads(5)
    assert threads.get_num_threads() == 5
    monkeypatch.setattr(threads, "_num_threads", None)
    assert threads.get_num_threads() == threads.usable_cpus() >= 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_starts_its_own_workers():
    threads.parallel(abs, range(6))
    child = os.fork()
    if child == 0:
        meeting = threading.Barrier(3, timeout=30)
        status = 1
        try:
            threads.parallel(lambda job: meeting.wait(), range(3))
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert threads.parallel(abs, range(3)) == [0, 1, 2]
