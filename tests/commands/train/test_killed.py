"""Trainings that are killed at random moments: resumed, each ends as the one that nobody stopped, and leaves no other files.

The ordinary tests kill a few times, those marked ci twenty times, and `pytest -m slow tests/commands/train/test_killed.py`
a hundred times.
"""

import os
import subprocess
import sys

import numpy as np
import pytest

from tests.commands.train.small_runs import SMALL, assert_same_run, train

EPOCHS = ["--epochs", "4", "--lr", "0.01", "--device", "cpu", "--threads", "1"]
DRAWN = [*SMALL, *EPOCHS, "--size", "24x16"]

# The process counts calls and returns of functions, and kills itself at one of them: a moment that does not depend on how busy the
# machine is. It counts from the first call of the command, once everything is imported.
PROGRAM = """\
import os, signal, sys
import minunet.runs.run_pictures, minunet.runs.training_data
from minunet.train import main

minunet.runs.training_data.DRAWN_COUNT = 6
minunet.runs.run_pictures.plot_curves = lambda history, path: path.write_bytes(b"curves")
last, calls = int(sys.argv[1]), 0

def count(frame, event, argument):
    global calls
    calls += 1
    if calls == last:
        os.kill(os.getpid(), signal.SIGKILL)

sys.setprofile(count)
code = main(sys.argv[2:])
sys.setprofile(None)
print(calls, file=sys.stderr)
sys.exit(code)
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")


def process(last, *arguments):
    """The finished process of a training that is killed at the call of that number, if it gets there; without a report."""
    command = [sys.executable, "-c", PROGRAM, str(last), *map(str, arguments), "--no-report"]
    return subprocess.run(command, capture_output=True, text=True)


def kill_and_resume(rng, calls, run, *arguments):
    """Kill a training at up to three random moments, then let it end; returns how often it was killed."""
    killed = 0
    for _ in range(3):
        # Half of the moments are early: the folder, the split and the drawn smears are made there.
        last = int(rng.integers(1, calls if rng.random() < 0.5 else calls // 10))
        done = process(last, *arguments, *(["--resume", run] if (run / "config.json").exists() else ["--out", run]))
        if done.returncode == 0:
            break
        assert (done.returncode, done.stderr) == (-9, "")
        killed += 1
        if (run / "config.json").exists():
            arguments = ()
    assert train(*(["--resume", run] if (run / "config.json").exists() else [*arguments, "--out", run])) == 0
    return killed


def sweep(kills, data, tmp_path, seed):
    """Kill trainings of `data` (or of drawn smears) that often, and compare each with one that nobody stopped."""
    settings = [data, *SMALL, *EPOCHS] if data else DRAWN
    whole = tmp_path / "whole"
    done = process(0, *settings, "--out", whole)
    assert done.returncode == 0
    calls = int(done.stderr)
    rng, killed, runs = np.random.default_rng(seed), 0, 0
    while killed < kills:
        run = tmp_path / f"run{runs}"
        killed += kill_and_resume(rng, calls, run, *settings)
        runs += 1
        assert_same_run(whole, run)
        assert left(run) == left(whole)
    return killed


def left(run):
    """Everything in a run folder."""
    return {os.path.relpath(os.path.join(path, name), run) for path, _, names in os.walk(run) for name in names} | {
        os.path.relpath(path, run) for path, _, _ in os.walk(run)
    }


@pytest.mark.parametrize(
    ("drawn", "kills"), [(True, 1), *(pytest.param(drawn, 10, marks=pytest.mark.ci) for drawn in (False, True))]
)
def test_a_killed_training_ends_as_if_nobody_had_stopped_it(drawn, kills, discs, tmp_path, monkeypatch):
    monkeypatch.setattr("minunet.runs.training_data.DRAWN_COUNT", 6)
    sweep(kills, None if drawn else discs, tmp_path, seed=drawn)


@pytest.mark.slow
@pytest.mark.parametrize("drawn", [False, True])
def test_a_training_killed_fifty_times(drawn, discs, tmp_path, monkeypatch):
    monkeypatch.setattr("minunet.runs.training_data.DRAWN_COUNT", 6)
    assert sweep(50, None if drawn else discs, tmp_path, seed=10 + drawn) >= 50
