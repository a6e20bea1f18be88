"""Ctrl-C and signals: everything is kept, the command that goes on is printed, and the resumed run is the same to the last bit."""

import json
import os
import signal
import subprocess
import sys

import pytest

from minunet.checkpoints.training_state import load_state
from minunet.data.batches import Batches
from minunet.runs.callbacks import CheckpointWriter, CurveDrawer
from minunet.runs.training_run import TrainingRun
from minunet.training.trainer import Trainer
from tests.commands.train.small_runs import TINY, assert_same_run, interrupt, train
from tests.printed_text import unfolded


@pytest.mark.parametrize("step", [2, 3, 5])
def test_ctrl_c_keeps_everything_says_how_to_resume_and_the_resumed_run_is_the_same(
    step, finished, discs, tmp_path, monkeypatch, capsys
):
    plain = Trainer._step

    def stepping(self, images, masks):
        rate = plain(self, images, masks)
        if self.progress.step == step:
            signal.raise_signal(signal.SIGINT)
        return rate

    monkeypatch.setattr(Trainer, "_step", stepping)
    handler = signal.getsignal(signal.SIGINT)  # a test run in the background has it ignored
    run = tmp_path / "run"
    assert train(discs, "--out", run, *TINY) == 130
    said = capsys.readouterr()
    epoch, batch = divmod(step, 3)
    where = f"in epoch {epoch + 1} of 3, after step {batch} of 3" if batch else "in epoch 1 of 3, after step 3 of 3"
    assert f"stopped   {where}; nothing is lost" in said.out
    assert f"resume    python -m minunet.train --resume {run}" in unfolded(said.out)
    assert load_state(run).step == step
    assert signal.getsignal(signal.SIGINT) is handler
    monkeypatch.undo()
    assert train("--resume", run) == 0
    assert f"resumed   at epoch {1 if step == 3 else epoch + 1}, step " in capsys.readouterr().out
    assert_same_run(finished, run)


def test_a_keyboard_interrupt_from_anywhere_in_the_loop_ends_cleanly(discs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(CheckpointWriter, "on_step", interrupt)
    assert train(discs, "--out", tmp_path / "run", *TINY) == 130
    assert load_state(tmp_path / "run").step == 1
    assert "--resume" in capsys.readouterr().out


def test_a_second_ctrl_c_stops_at_once_and_says_what_stands(discs, tmp_path, monkeypatch, capsys):
    plain = Trainer._step

    def stepping(self, images, masks):
        if self.progress.step == 4:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        return plain(self, images, masks)

    monkeypatch.setattr(Trainer, "_step", stepping)
    run = tmp_path / "run"
    assert train(discs, "--out", run, *TINY) == 130
    said = " ".join(capsys.readouterr().out.split())  # the line may be folded
    assert f"stopped at once; {run}/last.safetensors holds what was saved last" in said
    assert load_state(run).epoch == 1 and load_state(run).step == 3


def test_ctrl_c_before_the_first_step_says_how_to_go_on_and_it_does(finished, discs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Batches, "load", interrupt)
    run = tmp_path / "run"
    assert train(discs, "--out", run, *TINY) == 130
    assert f"resume    python -m minunet.train --resume {run}" in unfolded(capsys.readouterr().out)
    monkeypatch.undo()
    assert train("--resume", run) == 0
    assert_same_run(finished, run)


REAL_SIGNALS = [(signal.SIGINT, 130)]
if sys.platform != "win32":
    REAL_SIGNALS += [pytest.param(n, 128 + n, marks=pytest.mark.ci) for n in (signal.SIGTERM, signal.SIGHUP)]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
@pytest.mark.parametrize(("number", "code"), REAL_SIGNALS)
def test_a_real_signal_to_a_process_leaves_a_run_that_goes_on_bit_for_bit(number, code, discs, tmp_path):
    run, whole = tmp_path / "run", tmp_path / "whole"
    settings = [*TINY, "--schedule", "constant"]
    command = [sys.executable, "-m", "minunet.train", str(discs), "--out", str(run), *settings, "--epochs", "100000"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stdout:
        if "/100000 " in line:  # an epoch is done
            break
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert "nothing is lost" in out and f"--resume {run}" in out
    assert err.strip() == "Stopping after this step; everything will be saved. Ctrl-C again stops at once."
    state = load_state(run)
    # The same training, shorter: with a constant rate the number of epochs changes nothing before the end.
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**config, "epochs": state.epoch + 1}))
    assert train("--resume", run) == 0
    assert train(discs, "--out", whole, *settings, "--epochs", state.epoch + 1) == 0
    assert_same_run(run, whole)


@pytest.mark.parametrize("moment", ["on_end", "_test"])
def test_after_the_last_epoch_it_says_what_is_left_to_do(moment, finished, discs, tmp_path, monkeypatch, capsys):
    """Curves are drawn after the last step; then the test follows."""

    def stopping(self, *arguments):
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr({"on_end": CurveDrawer, "_test": TrainingRun}[moment], moment, stopping)
    run = tmp_path / "run"
    assert train(discs, "--out", run, *TINY) == 143
    said = capsys.readouterr().out
    where = {"on_end": "after the last epoch, before the test", "_test": "during the test, after the last epoch"}[
        moment
    ]
    assert f"stopped   {where}; nothing is lost" in said and f"--resume {run}" in said
    monkeypatch.undo()
    assert train("--resume", run) == 0
    assert "resumed   at the test" in capsys.readouterr().out
    assert_same_run(finished, run)


def test_at_once_while_the_last_epoch_is_saved_it_does_not_say_that_nothing_is_lost(
    discs, tmp_path, monkeypatch, capsys
):
    plain = CheckpointWriter.on_epoch_end

    def saving(self, record):
        if record.epoch == 3:
            raise KeyboardInterrupt
        plain(self, record)

    monkeypatch.setattr(CheckpointWriter, "on_epoch_end", saving)
    run = tmp_path / "run"
    assert train(discs, "--out", run, *TINY) == 130
    said = " ".join(capsys.readouterr().out.split())
    assert "nothing is lost" not in said
    assert f"stopped at once; {run}/last.safetensors holds what was saved last" in said
    assert load_state(run).epoch == 2


@pytest.mark.ci
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk_behind_stdout_does_not_stop_a_training(finished, discs, tmp_path):
    command = [sys.executable, "-m", "minunet.train", str(discs), "--out", str(tmp_path / "run"), *TINY, "--no-report"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr == "error: what was printed could not be written (No space left on device); free some space.\n"
    assert_same_run(finished, tmp_path / "run")
