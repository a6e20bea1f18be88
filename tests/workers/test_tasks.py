import pytest

from minunet.workers.tasks import GivenUp, Outcome, OwnProcess, consecutive, in_order, tasks_of


def test_consecutive():
    assert consecutive([1, 2, 3, 4, 5], 2) == [[1, 2], [3, 4], [5]]
    assert consecutive([], 2) == []


def test_outcomes_in_order():
    tasks = tasks_of(["ab", "c", "de"])
    outcomes = [Outcome(tasks[place]) for place in (2, 0, 1)]
    assert [outcome.task.first for outcome in in_order(iter(outcomes))] == [0, 2, 3]
    # After a stop some are missing.
    assert [outcome.task.first for outcome in in_order(iter(outcomes[:2]))] == [0, 3]


def test_an_outcome_comes_as_soon_as_those_before_it_are_there():
    taken = []

    def outcomes():
        for place in (0, 2, 1):
            taken.append(place)
            yield Outcome(tasks[place])

    tasks = tasks_of("abc")
    ordered = in_order(outcomes())
    next(ordered)
    assert taken == [0]


def test_own_process_stops_between_tasks():
    done = []

    def work(items, stopped):
        done.extend(items)
        return len(items)

    outcomes = OwnProcess().run(work, [[1, 2], [3], [4]], lambda: len(done) > 2)
    assert [outcome.result for outcome in outcomes] == [2, 1]
    assert done == [1, 2, 3]


def test_own_process_gives_up_and_raises():
    def give_up(items, stopped):
        raise GivenUp

    def fail(items, stopped):
        raise ZeroDivisionError

    assert list(OwnProcess().run(give_up, [[1], [2]], lambda: False)) == []
    with pytest.raises(ZeroDivisionError):
        list(OwnProcess().run(fail, [[1]], lambda: False))
