"""Runs that are resumed: the same as if never stopped, with their own settings and split, or refused."""

import json
import shutil

import pytest

import minunet
from minunet.checkpoints.training_state import load_state, save_state
from minunet.runs.callbacks import Checkpoints
from minunet.runs.config import TrainConfig
from tests.commands.train.small_runs import TINY, assert_same_run, history, problems, train


class PowerCut(BaseException):
    """Nothing catches it, as nothing catches a power cut."""


@pytest.mark.parametrize("epoch", [1, 2])
def test_resumed_from_the_end_of_an_epoch_it_is_as_if_never_stopped(epoch, finished, discs, tmp_path, monkeypatch):
    plain = Checkpoints.on_epoch_end

    def cut(self, record):
        plain(self, record)
        if record.epoch == epoch:
            raise PowerCut

    monkeypatch.setattr(Checkpoints, "on_epoch_end", cut)
    with pytest.raises(PowerCut):
        train(discs, "--out", tmp_path / "run", *TINY)
    monkeypatch.undo()
    assert not (tmp_path / "run" / "metrics.json").exists()
    assert train("--resume", tmp_path / "run") == 0
    assert_same_run(finished, tmp_path / "run")


def test_an_epoch_in_the_history_that_was_not_saved_is_trained_again(finished, discs, tmp_path, monkeypatch):
    def cut(self, record):
        if record.epoch == 2:  # its row is in history.csv, its weights are not in last.safetensors
            raise PowerCut
        plain(self, record)

    plain = Checkpoints.on_epoch_end
    monkeypatch.setattr(Checkpoints, "on_epoch_end", cut)
    with pytest.raises(PowerCut):
        train(discs, "--out", tmp_path / "run", *TINY)
    monkeypatch.undo()
    assert len(history(tmp_path / "run")) == 2 and load_state(tmp_path / "run").epoch == 1
    assert train("--resume", tmp_path / "run") == 0
    assert_same_run(finished, tmp_path / "run")


def test_a_finished_run_says_so_and_more_epochs_go_on(finished, tmp_path, capsys):
    run = shutil.copytree(finished, tmp_path / "run")
    assert train("--resume", run) == 0
    assert "finished  all 3 epochs are done and tested" in capsys.readouterr().out
    assert train("--resume", run, "--epochs", 4) == 0
    assert [row["epoch"] for row in history(run)] == ["1", "2", "3", "4"]
    assert TrainConfig.read(run / "config.json").epochs == 4
    assert train("--resume", run, "--epochs", 2) == 2
    assert TrainConfig.read(run / "config.json").epochs == 4
    assert "--epochs 2: this run has done 4 epochs already" in problems(capsys)[0]


def test_a_resumed_run_keeps_its_settings_and_its_split(finished, discs, tmp_path, capsys):
    run = shutil.copytree(finished, tmp_path / "run")
    assert train("--resume", run, "--lr", 0.5, "--variant", "classic", "--seed", 0) == 2
    first, second = problems(capsys)
    assert first.startswith("--variant classic: this run has paper, and a resumed run keeps its settings")
    assert second.startswith("--lr 0.5: this run has 0.01, and")
    moved = shutil.copytree(discs, tmp_path / "moved")
    (run / "metrics.json").unlink()
    assert train(moved, "--out", run, "--resume") == 0
    assert TrainConfig.read(run / "config.json").data == str(moved)
    (run / "metrics.json").unlink()
    lost = json.loads((run / "split.json").read_text())["train"][0]
    (moved / "images" / f"{lost}.png").unlink()
    (moved / "masks" / f"{lost}.png").unlink()
    assert train("--resume", run) == 2
    assert f"the pair {lost} of the recorded split is no longer there" in problems(capsys)[0]


def test_a_state_of_another_program_is_refused(finished, tmp_path, capsys):
    run = shutil.copytree(finished, tmp_path / "run")
    (run / "metrics.json").unlink()
    state = load_state(run)
    model = minunet.UNet(**state.architecture)
    save_state(
        run / "last.safetensors", model, minunet.optim.Adam(model.parameters()), epoch=1, step=1, config={}, history=[]
    )
    assert train("--resume", run) == 2
    assert "last.safetensors: this state was not written by minunet.train" in problems(capsys)[0]
