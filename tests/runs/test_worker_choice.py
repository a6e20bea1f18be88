"""The choice of workers; nothing is started here."""

from argparse import ArgumentParser

import pytest

from minunet.ranks import Ranks
from minunet.runs import worker_choice
from minunet.runs.worker_choice import add_worker_arguments, choose_workers, worker_problems
from minunet.workers.process_workers import ProcessWorkers
from minunet.workers.rank_workers import RankWorkers
from minunet.workers.tasks import OwnProcess
from minunet.workers.worker_count import TaskCost

SMEARS = 20 * [TaskCost(1.2, 0.3, 500e6)]


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """Four cores, and memory for many processes."""
    monkeypatch.setattr(worker_choice, "get_num_threads", lambda: 4)
    monkeypatch.setattr(worker_choice, "available_memory", lambda: 100_000_000_000)


def arguments(*typed):
    parser = ArgumentParser()
    add_worker_arguments(parser)
    parser.add_argument("--threads", type=int)
    return parser.parse_args(typed)


def chosen(*typed, costs=SMEARS, closely=None, device="cpu"):
    """The workers; `closely` are the costs that a closer look finds, None where none is to be had."""

    def estimate(look):
        assert not look or closely is not None
        return closely if look else costs

    return choose_workers(arguments(*typed), [], estimate, device)


@pytest.mark.parametrize("typed", [(), ("--workers", "auto")])
def test_auto_is_the_default(typed, capsys):
    workers = chosen(*typed)
    assert isinstance(workers, ProcessWorkers)
    assert (workers.count, workers.threads, workers.optional) == (4, 1, True)
    assert capsys.readouterr().out == "workers   4 processes, one thread each\n"


def test_auto_divides_the_cores_among_few_images(capsys):
    workers = chosen(costs=2 * [TaskCost(60.0, 30.0)])
    assert (workers.count, workers.threads) == (2, 2)
    assert capsys.readouterr().out == "workers   2 processes, 2 threads each\n"


def test_auto_stays_in_this_process(monkeypatch, capsys):
    assert isinstance(chosen(costs=SMEARS[:1]), OwnProcess)
    assert isinstance(chosen(device="cuda"), OwnProcess)
    monkeypatch.setattr(worker_choice, "can_start_processes", lambda: False)
    assert isinstance(chosen(), OwnProcess)
    assert capsys.readouterr().out == ""


def test_one_core_is_enough_for_one_process(monkeypatch):
    monkeypatch.setattr(worker_choice, "get_num_threads", lambda: 1)
    assert isinstance(choose_workers(arguments(), [], lambda look: pytest.fail("no file is opened"), "cpu"), OwnProcess)


def test_auto_takes_what_fits_into_memory(monkeypatch, capsys):
    monkeypatch.setattr(worker_choice, "available_memory", lambda: 2_000_000_000)
    assert chosen(closely=SMEARS).count == 2
    assert "warning" not in capsys.readouterr().out


def test_where_memory_is_short_the_images_are_looked_at_closely(monkeypatch, capsys):
    monkeypatch.setattr(worker_choice, "available_memory", lambda: 2_000_000_000)
    less = 20 * [TaskCost(1.2, 0.3, 200e6)]
    assert chosen(closely=less).count == 4
    assert chosen("--workers", "4", closely=less).count == 4
    assert "warning" not in capsys.readouterr().out


def test_a_number_that_does_not_fit_into_memory_is_said(monkeypatch, capsys):
    monkeypatch.setattr(worker_choice, "available_memory", lambda: 2_000_000_000)
    workers = chosen("--workers", "3", closely=SMEARS)
    assert (workers.count, workers.optional) == (3, False)
    assert " ".join(capsys.readouterr().out.split()) == (
        "warning 3 processes may take 1.9 GB together, and 2.0 GB are left: use --workers 2, or auto workers 3 processes, one "
        "thread each"
    )
    assert chosen("--workers", "2").count == 2
    assert "warning" not in capsys.readouterr().out


def test_a_number_is_taken_as_it_is(capsys):
    assert isinstance(chosen("--workers", "1"), OwnProcess)
    assert isinstance(chosen("--workers", "3", costs=[]), OwnProcess)
    assert isinstance(chosen(costs=[]), OwnProcess)
    workers = chosen("--workers", "3", "--threads", "2", costs=3 * [TaskCost()])
    assert (workers.count, workers.threads) == (3, 2)
    assert chosen("--workers", "3", costs=SMEARS[:2]).count == 2


def test_auto_leaves_the_images_to_the_ranks(monkeypatch):
    monkeypatch.setattr(worker_choice, "find_ranks", lambda: Ranks(type("World", (), {"rank": 0, "size": 2})()))
    assert isinstance(chosen(), RankWorkers)
    assert worker_problems(arguments("--workers", "auto"), None) == []
    assert "two ways" in worker_problems(arguments("--workers", "2"), None)[0]


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "all"])
def test_other_numbers_are_refused(number):
    with pytest.raises(SystemExit):
        arguments("--workers", number)
