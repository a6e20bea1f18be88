import pytest

from minunet.workers.worker_count import (
    MOST_OF_MEMORY,
    PROCESS_BYTES,
    START_SECONDS,
    TaskCost,
    fastest_count,
    memory_of,
    most_in_memory,
    threads_each,
)

SMEAR = TaskCost(1.2, 0.3, 600e6)
PLENTY = 1e12


def test_a_few_small_tasks_are_not_worth_a_process():
    assert fastest_count([], 8, PLENTY) == 1
    assert fastest_count([SMEAR], 8, PLENTY) == 1
    assert fastest_count(20 * [TaskCost(0.02, 0.01)], 8, PLENTY) == 1
    assert fastest_count(2 * [TaskCost(START_SECONDS)], 8, PLENTY) == 1


def test_long_work_gets_as_many_processes_as_cores_and_tasks():
    assert [fastest_count(90 * [SMEAR], cores, PLENTY) for cores in (1, 2, 4, 8)] == [1, 2, 4, 8]
    assert fastest_count(3 * [TaskCost(60.0)], 8, None) == 3


def test_work_that_all_threads_share_stays_in_one_process():
    assert fastest_count(90 * [TaskCost(0.0, 10.0)], 4, PLENTY) == 1


def test_one_long_task_among_short_ones():
    # Nothing is done before the long one is, and this process does it with all threads.
    assert fastest_count([TaskCost(0.0, 100.0), *5 * [TaskCost(1.0)]], 4, PLENTY) == 1


def test_a_task_that_should_have_the_machine_for_itself():
    assert fastest_count([TaskCost(500.0, alone=True), *90 * [SMEAR]], 4, PLENTY) == 1


def test_memory_limits_the_processes():
    costs = 90 * [SMEAR]
    for fitting in (2, 3):
        memory = (fitting + 0.5) * (600e6 + PROCESS_BYTES) / MOST_OF_MEMORY
        assert fastest_count(costs, 8, memory) == fitting
    assert fastest_count(costs, 8, 1e9) == 1
    assert fastest_count(costs, 8, 0) == 1
    assert most_in_memory(costs, 8, None) == 8


def test_the_largest_tasks_may_come_together():
    costs = [TaskCost(memory=size) for size in (1e9, 3e9, 2e9, 1e9)]
    assert memory_of(costs, 2) == 5e9 + 2 * PROCESS_BYTES
    assert memory_of(costs, 9) == 7e9 + 9 * PROCESS_BYTES


@pytest.mark.parametrize(("count", "cores", "threads"), [(2, 2, 1), (3, 8, 2), (8, 8, 1), (8, 2, 1)])
def test_the_cores_are_divided(count, cores, threads):
    assert threads_each(count, cores) == threads
