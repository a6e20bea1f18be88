"""Runs that are resumed: the same as if never stopped, with their own settings and split, or refused."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import minunet
from minunet.checkpoints.training_state import load_state, save_state
from minunet.data.outputs import Outputs
from minunet.runs.callbacks import CheckpointWriter
from minunet.runs.train_config import TrainConfig
from tests.commands.train.small_runs import TINY, assert_same_run, history, problems, train


class PowerCut(BaseException):
    """Nothing catches it, as nothing catches a power cut."""


@pytest.mark.parametrize("epoch", [1, 2])
def test_resumed_from_the_end_of_an_epoch_it_is_as_if_never_stopped(epoch, finished, discs, tmp_path, monkeypatch):
    plain = CheckpointWriter.on_epoch_end

    def cut(self, record):
        plain(self, record)
        if record.epoch == epoch:
            raise PowerCut

    monkeypatch.setattr(CheckpointWriter, "on_epoch_end", cut)
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

    plain = CheckpointWriter.on_epoch_end
    monkeypatch.setattr(CheckpointWriter, "on_epoch_end", cut)
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
        run / "last.safetensors",
        model,
        minunet.optim.Adam(model.parameters()),
        epoch=1,
        step=1,
        config={},
        history=[],
        outputs=Outputs(separation=TrainConfig().separation),
    )
    assert train("--resume", run) == 2
    assert "last.safetensors: this state was not written by minunet.train" in problems(capsys)[0]


def test_files_that_have_changed_since_are_named_and_refused(finished, discs, tmp_path, capsys):
    data, run = shutil.copytree(discs, tmp_path / "data"), shutil.copytree(finished, tmp_path / "run")
    (run / "metrics.json").unlink()
    image, mask, resaved = (data / name for name in ("images/cell1.png", "masks/cell2.png", "images/cell3.png"))
    before = {path: path.read_bytes() for path in (image, mask)}
    for path in (image, mask):
        pixels = np.asarray(Image.open(path)).copy()
        pixels[0, 0] = 255 - pixels[0, 0]
        Image.fromarray(pixels).save(path)
    Image.open(resaved).save(resaved, compress_level=0)  # other bytes, the same pixels
    shutil.copy(data / "images" / "cell0.png", data / "images" / "new.png")  # not of the split
    shutil.copy(data / "masks" / "cell0.png", data / "masks" / "new.png")
    state = (run / "last.safetensors").read_bytes()
    assert train(data, "--resume", run) == 2
    first, second = sorted(problems(capsys))
    assert first.startswith(f"{image}: its pixels have changed since this run began; put the old file back, or start")
    assert second.startswith(f"{mask}: ")
    assert (run / "last.safetensors").read_bytes() == state
    for path, content in before.items():
        path.write_bytes(content)
    assert train(data, "--resume", run) == 0
    assert_same_run(finished, run)


def test_a_split_from_before_there_were_digests_is_used_and_gets_them(finished, discs, tmp_path):
    run = shutil.copytree(finished, tmp_path / "run")
    (run / "metrics.json").unlink()
    split = json.loads((run / "split.json").read_text())
    (run / "split.json").write_text(json.dumps({name: value for name, value in split.items() if name != "digests"}))
    assert train("--resume", run) == 0
    assert json.loads((run / "split.json").read_text()) == split


@pytest.mark.parametrize("digests", [3, {"cell0": "abc"}, {"cell0": {"image": "abc"}}, ["cell0"]])
def test_a_split_with_broken_digests_is_no_split(digests, finished, tmp_path, capsys):
    run = shutil.copytree(finished, tmp_path / "run")
    split = json.loads((run / "split.json").read_text())
    (run / "split.json").write_text(json.dumps({**split, "digests": digests}))
    assert train("--resume", run) == 2
    assert "split.json: this is not a split (" in problems(capsys)[0]


@pytest.mark.ci
def test_a_run_that_is_made_longer_keeps_its_rates_and_is_the_same_however_it_was_stopped(discs, tmp_path, monkeypatch):
    """From the end, from the middle, and stopped again in the part that was added."""
    flags = [argument for argument in TINY if argument not in ("--epochs", "3")]
    runs = [tmp_path / name for name in ("end", "middle", "again")]
    plain = CheckpointWriter.on_epoch_end

    def cut(after):
        def on_epoch_end(self, record):
            plain(self, record)
            if record.epoch == after:
                raise PowerCut

        monkeypatch.setattr(CheckpointWriter, "on_epoch_end", on_epoch_end)

    def stopped(after, *arguments):
        cut(after)
        with pytest.raises(PowerCut):
            train(*arguments)
        monkeypatch.setattr(CheckpointWriter, "on_epoch_end", plain)

    assert train(discs, "--out", runs[0], *flags, "--epochs", 3) == 0
    stopped(2, discs, "--out", runs[1], *flags, "--epochs", 3)
    assert train(discs, "--out", runs[2], *flags, "--epochs", 3) == 0
    stopped(4, "--resume", runs[2], "--epochs", 6)
    assert train("--resume", runs[2]) == 0
    for run in runs[:2]:
        assert train("--resume", run, "--epochs", 6) == 0
        assert_same_run(runs[2], run)
    for run in runs:
        assert TrainConfig.read(run / "config.json").extended == (3,)
    rates = [float(row["lr"]) for row in history(runs[0])]
    assert rates[2] < 1e-6 and max(rates[3:]) <= 0.25 * 0.01 and rates[5] < 1e-6


def test_a_planned_part_that_has_not_begun_is_planned_anew(finished, tmp_path):
    run = shutil.copytree(finished, tmp_path / "run")
    config = TrainConfig.read(run / "config.json")
    replace(config, epochs=9, extended=(3,)).write(run / "config.json")  # killed before a step was saved
    assert train("--resume", run, "--epochs", 4) == 0
    assert TrainConfig.read(run / "config.json").extended == (3,)
    assert train("--resume", run, "--epochs", 5) == 0
    assert TrainConfig.read(run / "config.json").extended == (3, 4)
