import threading

from minunet.workers.task_queue import TaskQueue
from minunet.workers.tasks import Death, tasks_of

KILLED = Death(7, "killed by SIGKILL")


def outcomes(tasks):
    """All outcomes that are there."""
    found = []
    while (outcome := tasks.next_outcome(0)) is not None:
        found.append(outcome)
    return found


def test_tasks_are_handed_out_once():
    tasks = TaskQueue(tasks_of(["ab", "c"]))
    first, second = tasks.take(), tasks.take()
    assert (first.items, second.items) == (("a", "b"), ("c",))
    assert tasks.take(wait=False) is None
    tasks.done(second, 2)
    tasks.done(first, 1)
    assert not tasks.finished
    assert [outcome.result for outcome in outcomes(tasks)] == [2, 1]
    assert tasks.finished
    assert tasks.take() is None


def test_a_lost_task_is_tried_again_behind_the_others():
    tasks = TaskQueue(tasks_of(["a", "b"]))
    tasks.lost(tasks.take(), KILLED)
    assert tasks.take().items == ("b",)
    again = tasks.take()
    assert (again.items, again.deaths) == (("a",), (KILLED,))
    assert again.story == "the process that worked on it died (killed by SIGKILL)"
    tasks.lost(again, KILLED)
    (outcome,) = outcomes(tasks)
    assert outcome.lost
    assert outcome.task.story == "2 processes that worked on it died (killed by SIGKILL)"


def test_of_a_group_the_item_to_blame_is_found():
    tasks = TaskQueue(tasks_of(["abc"]))
    for _ in range(2):
        task = tasks.take()
        assert task.items == ("a", "b", "c")
        tasks.lost(task, KILLED)
    found = [tasks.take() for _ in "abc"]
    assert [(task.first, task.items) for task in found] == [(0, ("a",)), (1, ("b",)), (2, ("c",))]
    tasks.lost(found[1], KILLED)
    tasks.done(found[0])
    tasks.done(found[2])
    assert sorted((outcome.task.first, outcome.lost) for outcome in outcomes(tasks)) == [
        (0, False),
        (1, True),
        (2, False),
    ]
    assert tasks.finished


def test_who_waits_gets_a_task_that_another_one_loses():
    tasks = TaskQueue(tasks_of(["a"]))
    task, got = tasks.take(), []
    waiting = threading.Thread(target=lambda: got.append(tasks.take()))
    waiting.start()
    tasks.lost(task, KILLED)
    waiting.join()
    assert got[0].items == ("a",)


def test_stop():
    tasks = TaskQueue(tasks_of(["a", "b"]))
    task = tasks.take()
    tasks.stop()
    assert tasks.take() is None
    assert not tasks.finished
    tasks.lost(task, KILLED)
    assert tasks.finished
