"""Ranks: who is who by the variables of a launcher, and what processes do that were started together."""

import sys
import types

import pytest

from minunet import ranks
from minunet.errors import UserError
from minunet.ranks import find_ranks, launched_rank, serve
from tests.mpi_programs import run_ranks
from tests.threads_as_ranks import in_ranks, values_of

COMMAND = """\
import os, sys
from minunet.cli.command import command, command_of_ranks
from minunet.errors import UserError
from minunet.ranks import find_ranks

def task(how):
    ranks = find_ranks()
    if how == "together":
        ranks.gather(None, UserError("the image is broken.") if ranks.rank == 1 else None)
    if how == "alone" and ranks.rank == 1:
        raise UserError("the image is broken.")
    if how == "bug" and ranks.rank == 1:
        raise ValueError("never expected")
    assert ranks.gather(ranks.rank) == [0, 1]
    print("in a task")

@command_of_ranks
def main(argv=None):
    how = sys.argv[1]
    if how == "typing mistake":
        raise UserError("no such flag.")
    ranks = find_ranks()
    print("rank", ranks.rank, "of", ranks.size)
    ranks.start(task, how)
    task(how)
    ranks.at_rest = True
    return 7

if __name__ == "__main__":
    sys.modules["program"] = sys.modules["__main__"]
    task.__module__ = "program"
    sys.exit(main())
"""


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"PMI_RANK": "1", "PMI_SIZE": "4"}, (1, 4)),
        ({"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2"}, (0, 2)),
        ({"PMIX_RANK": "3", "SLURM_STEP_NUM_TASKS": "4"}, (3, 4)),
        ({"PMI_RANK": "0"}, None),
        ({"PMI_RANK": "x", "PMI_SIZE": "2"}, None),
        ({"PMI_RANK": "4", "PMI_SIZE": "2"}, None),
    ],
)
def test_the_variables_of_a_launcher_tell_rank_and_size(environment, expected):
    assert launched_rank(environment) == expected


@pytest.fixture
def launched(monkeypatch):
    """Pretend that a launcher has started two processes, and that mpi4py has this communicator of all processes."""
    find_ranks.cache_clear()
    monkeypatch.setenv("PMI_RANK", "0")
    monkeypatch.setenv("PMI_SIZE", "2")

    def use(module):
        package = None if module is None else types.SimpleNamespace(MPI=module)
        monkeypatch.setitem(sys.modules, "mpi4py", package)

    yield use
    find_ranks.cache_clear()


def test_a_process_that_was_started_alone_does_not_look_for_mpi4py(launched, monkeypatch):
    launched(None)
    monkeypatch.setenv("PMI_SIZE", "1")
    found = find_ranks()
    assert (found.rank, found.size, found.is_first) == (0, 1, True)
    assert found.gather("mine") == ["mine"] and found.share(3) == 3


def test_several_processes_without_mpi4py_are_an_error(launched):
    launched(None)
    with pytest.raises(UserError, match="2 processes were started.*minunet\\[mpi\\]"):
        find_ranks()


def test_an_mpi_library_of_another_launcher_is_an_error(launched):
    world = types.SimpleNamespace(size=1, rank=0)
    launched(types.SimpleNamespace(COMM_WORLD=world, Get_library_version=lambda: "Open MPI v5.0.1, package"))
    with pytest.raises(UserError, match="Open MPI v5.0.1.*sees 1: use the mpiexec that belongs to"):
        find_ranks()


@pytest.mark.parametrize(
    "problem", [UserError(["a.png is broken.", "b.png, too."]), MemoryError("3 GB"), MemoryError()]
)
def test_a_problem_of_one_rank_is_raised_on_all_with_its_rank(problem):
    def work(found):
        found.at_rest = False
        with pytest.raises(type(problem)) as caught:
            found.gather("mine", problem if found.rank == 1 else None)
        return found.at_rest, str(caught.value)

    where = f"rank 1 of 3 on {ranks.platform.node()}"
    expected = "\n".join(f"{where}: {line}" for line in str(problem).splitlines()) or where
    assert values_of(in_ranks(3, work)) == [(True, expected)] * 3


def test_a_problem_that_all_ranks_have_is_said_as_it_is():
    def work(found):
        with pytest.raises(UserError) as caught:
            found.gather("mine", UserError("a.png is broken."))
        return str(caught.value)

    assert values_of(in_ranks(2, work)) == ["a.png is broken."] * 2


def test_ranks_serve_the_first_one_until_it_ends():
    done = []

    def work(found):
        if not found.is_first:
            serve(found)
            return found.at_rest
        found.start(done.append, "task")
        found.finish()
        found.start(done.append, "another")
        found.finish()
        found.end()
        return found.at_rest

    assert values_of(in_ranks(3, work)) == [True] * 3
    assert sorted(done) == ["another"] * 2 + ["task"] * 2


def test_an_error_of_a_task_that_only_one_rank_has_ends_its_service():
    def work(found):
        if not found.is_first:
            serve(found)
        found.start(fail_alone)
        return found.at_rest

    first, second = in_ranks(2, work)
    assert first is False and isinstance(second, ValueError)


def fail_alone():
    raise ValueError("never expected")


@pytest.mark.ci
@pytest.mark.parametrize(
    ("how", "code", "out", "error"),
    [
        ("work", 7, "rank 0 of 2\nin a task\n", ""),
        ("typing mistake", 2, "", "error: no such flag.\n"),
        ("together", 2, "rank 0 of 2\n", "error: rank 1 of 2 on {node}: the image is broken.\n"),
        ("alone", 2, "rank 0 of 2\n", "error: rank 1 of 2 on {node}: the image is broken.\n"),
        ("bug", 1, "rank 0 of 2\n", "error: rank 1 of 2 on {node}: Traceback"),
    ],
)
def test_ranks_work_and_fail_together(tmp_path, how, code, out, error):
    (tmp_path / "program.py").write_text(COMMAND)
    done = run_ranks(2, tmp_path / "program.py", how)
    expected = error.format(node=ranks.platform.node())
    assert (done.returncode, done.stdout) == (code, out), done.stderr
    assert done.stderr.startswith(expected) and done.stderr.count("error:") == expected.count("error:")
    if how != "bug":
        assert done.stderr == expected


@pytest.mark.ci
def test_a_command_of_one_process_runs_once():
    done = run_ranks(2, "-m", "minunet", "doctor", "no-such-folder")
    assert done.returncode == 2 and done.stdout.count("verdict") == 1
