import os
import threading

import pytest

from minunet.errors import UserError
from minunet.workers import process_workers
from minunet.workers.attempts import result_of
from minunet.workers.process_workers import ProcessWorkers, can_start_processes
from minunet.workers.tasks import consecutive
from tests.workers.small_works import doubling

NEVER = bool  # bool() is False
signals = pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")


@signals
def test_processes_that_die_lose_nothing(tmp_path):
    work = doubling(tmp_path, {2: 1, 4: 2, 5: 3})
    outcomes = list(ProcessWorkers(2).run(work, consecutive(range(7), 1), NEVER))
    assert sorted(outcome.task.first for outcome in outcomes) == [*range(7)]
    for outcome in outcomes:
        item, deaths = outcome.task.first, len(outcome.task.deaths)
        assert outcome.lost == (item == 5)
        assert deaths == {2: 1, 4: 2, 5: 3}.get(item, 0)  # the third time without others beside it
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


def test_a_worker_collects_garbage(tmp_path):
    (outcome,) = ProcessWorkers(1).run(doubling(tmp_path), [["is garbage collected"]], NEVER)
    assert outcome.result[1] == [True]


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
    with pytest.raises(UserError, match=r"worker processes cannot be started \(.*no-python.*--workers 1"):
        list(ProcessWorkers(2).run(doubling(tmp_path), [[1]], NEVER))


def test_this_process_does_the_work_where_no_other_can_be_started(tmp_path, monkeypatch):
    monkeypatch.setattr(process_workers.sys, "executable", str(tmp_path / "no-python"))
    workers = ProcessWorkers(2, optional=True)
    outcomes = list(workers.run(doubling(tmp_path), [[1], [2], [3]], NEVER))
    assert [result_of(outcome) for outcome in outcomes] == [(os.getpid(), [2 * item]) for item in (1, 2, 3)]
    (note,) = workers.notes
    assert note.startswith("this process has done the work alone: the worker processes cannot be started")


def test_this_process_does_the_work_where_there_is_no_place_for_a_shared_file(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    workers = ProcessWorkers(2, optional=True)
    (outcome,) = workers.run(doubling(tmp_path), [[4]], NEVER)
    assert result_of(outcome) == (os.getpid(), [8])
    assert "the file that the worker processes share cannot be written" in workers.notes[0]
    with pytest.raises(UserError, match="cannot be written"):
        list(ProcessWorkers(2).run(doubling(tmp_path), [[4]], NEVER))


@pytest.mark.parametrize(
    ("executable", "can"),
    [
        ("/usr/bin/python3.11", True),
        ("C:/Python/PYTHON.EXE", True),
        ("/opt/uwsgi/uwsgi", False),
        ("", False),
        (None, False),
    ],
)
def test_another_program_is_not_started_as_a_worker(monkeypatch, executable, can):
    monkeypatch.setattr(process_workers.sys, "executable", executable)
    assert can_start_processes() is can
