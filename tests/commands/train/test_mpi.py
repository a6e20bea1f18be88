"""Trainings under mpiexec: the bits of one process, also when resumed with another number, and one message where a rank fails."""

import json
import shutil
import sys

import pytest

from minunet.checkpoints.training_state import load_state
from minunet.files.lock import LOCK
from minunet.ranks import find_ranks
from tests.commands.train.small_runs import TINY, assert_same_run, problems, train
from tests.mpi_programs import run_ranks

CHANGED = """\
import os, signal, sys
from minunet.data.batches import Batches
from minunet.errors import UserError
from minunet.ranks import find_ranks, launched_rank
from minunet.train import main
from minunet.training.divided_step import DividedStep
from minunet.training.shared_update import SharedUpdate
from minunet.training.trainer import Trainer

rank, _ = launched_rank()
step, load, part, values = Trainer._step, Batches.load, DividedStep._part, SharedUpdate._values

def stopping(self, batch, next_batch):
    if self.progress.step == 3 and rank == 0:
        signal.raise_signal(signal.SIGINT)
    return step(self, batch, next_batch)

def unreadable(self, progress=None):
    if rank == 1:
        raise UserError("3.png cannot be read.")
    return load(self, progress)

def full(self, images, masks):
    if rank == 1:
        raise MemoryError
    return part(self, images, masks)

def half_way(self, arrays, part):  # the own values are updated, and those of the others are not there
    if rank == 1 and self.optimizer.steps == 5:
        if how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        raise ZeroDivisionError("a mistake in the program")
    return values(self, arrays, part)

how, *arguments = sys.argv[1:]
if how == "stop":
    Trainer._step = stopping
elif how == "unreadable":
    Batches.load = unreadable
elif how == "memory":
    DividedStep._part = full
elif how in ("within an update", "killed"):
    SharedUpdate._values = half_way
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main(arguments))
"""


@pytest.fixture(scope="module")
def alone(discs, tmp_path_factory):
    """A run of one process in micro-batches of one image."""
    out = tmp_path_factory.mktemp("alone") / "run"
    assert train(discs, "--out", out, *TINY, "--micro-batch", "1", "--no-report") == 0
    return out


def test_micro_batches_are_stored_and_a_resumed_run_keeps_them(alone, finished, capsys):
    assert json.loads((alone / "config.json").read_text())["micro_batch"] == 1
    assert "micro_batch" not in json.loads((finished / "config.json").read_text())
    capsys.readouterr()
    assert train("--resume", alone, "--micro-batch", "2") == 2
    assert any("--micro-batch 2: this run has 1" in problem for problem in problems(capsys))
    assert train(alone, "--out", alone / "x", "--micro-batch", "0") == 2


def test_several_processes_without_mpi4py_are_one_error_before_anything_is_written(
    discs, tmp_path, monkeypatch, capsys
):
    find_ranks.cache_clear()
    monkeypatch.setenv("PMI_RANK", "0")
    monkeypatch.setenv("PMI_SIZE", "2")
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    assert train(discs, "--out", tmp_path / "run", *TINY) == 2
    (problem,) = problems(capsys)
    assert "minunet[mpi]" in problem and not (tmp_path / "run").exists()


@pytest.mark.ci
def test_two_processes_give_the_bits_of_one_also_when_stopped_and_resumed_with_three(alone, discs, tmp_path):
    run = tmp_path / "run"
    stopped = run_ranks(2, "stop", discs, "--out", run, *TINY, "--no-report", program=CHANGED)
    assert stopped.returncode == 130, stopped.stderr
    assert stopped.stdout.count("stopped   in epoch 2 of 3, after step 1 of 3; nothing is lost") == 1
    assert stopped.stderr.count("Stopping after this step") == 1
    assert load_state(run).step == 4
    resumed = run_ranks(3, "-m", "minunet.train", "--resume", run, "--no-report")
    assert resumed.returncode == 0, resumed.stderr
    assert "1 of 3 processes have nothing to do in a step" in " ".join(resumed.stdout.split())
    assert_same_run(run, alone)


@pytest.mark.ci
@pytest.mark.parametrize(
    ("how", "code", "message"),
    [
        ("unreadable", 2, "error: rank 1 of 2 on NODE: 3.png cannot be read.\n"),
        ("memory", 2, "error: there is not enough memory for a step (rank 1 of 2 on NODE): lower --batch-size"),
        ("within an update", 1, "error: rank 1 of 2 on NODE: Traceback"),
    ],
)
def test_a_rank_that_fails_ends_all_with_one_message(how, code, message, discs, tmp_path):
    import platform

    done = run_ranks(2, how, discs, "--out", tmp_path / "run", *TINY, program=CHANGED)
    assert done.returncode == code
    assert message.replace("NODE", platform.node()) in done.stderr and done.stderr.count("error:") == 1


@pytest.mark.ci
def test_a_rank_that_is_killed_within_a_shared_update_loses_the_epoch_only(alone, discs, tmp_path):
    run = tmp_path / "run"
    killed = run_ranks(3, "killed", discs, "--out", run, *TINY, "--micro-batch", "1", "--no-report", program=CHANGED)
    assert killed.returncode != 0
    assert load_state(run).step == 3
    copied = shutil.copytree(run, tmp_path / "copied", ignore=shutil.ignore_patterns(LOCK))
    assert train("--resume", copied, "--no-report") == 0  # a copy, as MPI may end the last process after mpiexec
    assert_same_run(copied, alone)
