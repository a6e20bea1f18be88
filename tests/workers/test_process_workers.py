import os
import threading

import pytest

from minunet.errors import UserError
from minunet.workers import process_workers
from minunet.workers.attempts import result_of
from minunet.workers.process_workers import ProcessWorkers
from minunet.workers.tasks import consecutive
from tests.workers.small_works import doubling

NEVER = bool  # bool() is False
signals = pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")


@signals
def test_processes_that_die_lose_nothing(tmp_path):
    work = doubling(tmp_path, {2: 1, 5: 2})
    outcomes = list(ProcessWorkers(2).run(work, consecutive(range(7), 1), NEVER))
    assert sorted(outcome.task.first for outcome in outcomes) == [*range(7)]
    for outcome in outcomes:
        item, deaths = outcome.task.first, len(outcome.task.deaths)
        assert outcome.lost == (item == 5)
        assert deaths == {2: 1, 5: 2}.get(item, 0)
        assert all(death.how == "killed by SIGKILL" for death in outcome.task.deaths)
        if item != 5:
            pid, values = outcome.result
            assert values == [2 * item]
            assert pid != os.getpid()


def test_errors_are_sent_with_their_traceback(tmp_path):
    by_item = {
        outcome.task.items[0]: outcome
        for outcome in ProcessWorkers(1).run(doubling(tmp_path), [["bad"], ["broken"], [4]], NEVER)
    }
    with pytest.raises(UserError, match=r"^bad\.png: cannot be read$"):
        result_of(by_item["bad"])
    with pytest.raises(RuntimeError) as broken:
        result_of(by_item["broken"])
    assert "raise RuntimeError(os.getpid())" in str(broken.value.__cause__)
    # The same process has gone on.
    assert result_of(by_item[4]) == (int(str(broken.value)), [8])


def test_a_stop_is_heard_in_the_middle_of_a_task(tmp_path):
    stop = lambda: (tmp_path / "begun").exists()  # noqa: E731
    assert list(ProcessWorkers(1).run(doubling(tmp_path), [["wait until stopped"], [1]], stop)) == []


@pytest.mark.ci
def test_who_ends_early_ends_the_processes(tmp_path):
    outcomes = ProcessWorkers(1).run(doubling(tmp_path), [[1], ["wait until stopped"]], NEVER)
    assert next(outcomes).result[1] == [2]
    outcomes.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "minunet-driver"]


def test_processes_that_cannot_be_started(tmp_path, monkeypatch):
    monkeypatch.setattr(process_workers.sys, "executable", str(tmp_path / "no-python"))
    (outcome,) = ProcessWorkers(2).run(doubling(tmp_path), [[1]], NEVER)
    with pytest.raises(UserError, match=r"worker processes cannot be started \(.*no-python.*--workers 1"):
        result_of(outcome)
