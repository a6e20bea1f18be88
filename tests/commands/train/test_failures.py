"""Trainings that cannot go on without disk, memory or a finite loss: one sentence with the remedy, and the good files are kept."""

import json
import os

import numpy as np

import minunet
from minunet.checkpoints.training_state import load_state
from minunet.training.trainer import Trainer
from tests.commands.train.small_runs import TINY, problems, train


def test_a_disk_that_is_full_ends_with_the_file_and_a_remedy_and_the_earlier_state_stands(
    discs, tmp_path, monkeypatch, capsys
):
    def full(source, target):
        if str(target).endswith("last.safetensors") and target.exists():
            raise OSError(28, "No space left on device")
        plain(source, target)

    plain = os.replace
    monkeypatch.setattr(os, "replace", full)
    run = tmp_path / "run"
    assert train(discs, "--out", run, *TINY) == 2
    assert (
        f"{run}/last.safetensors: cannot be written (No space left on device); free some space" in problems(capsys)[0]
    )
    assert load_state(run).epoch == 1
    assert [path.name for path in run.iterdir() if path.name.startswith(".")] == []


def test_a_loss_that_is_no_number_stops_with_the_remedy_and_keeps_the_last_good_model(
    discs, tmp_path, monkeypatch, capsys
):
    plain = Trainer._step

    def stepping(self, batch, following):
        images, *others = batch
        return plain(self, (images * np.float32("nan") if self.progress.step == 4 else images, *others), following)

    monkeypatch.setattr(Trainer, "_step", stepping)
    run = tmp_path / "run"
    assert train(discs, "--out", run, *TINY) == 2
    (problem,) = problems(capsys)
    assert problem.startswith("the loss became nan in epoch 2, step 2 of 3, at a learning rate of ")
    assert (
        "(the values of cell" in problem
        and "lower --lr, to 0.001 say" in problem
        and f"{run}/model.safetensors holds the best model so far, of epoch 1" in problem
    )
    assert (
        load_state(run).epoch == 1
        and np.isfinite(minunet.load_model(run).predict(discs / "images" / "cell0.png")).all()
    )


def test_what_goes_wrong_is_in_the_log_in_warnings_json_and_in_the_state(discs, tmp_path, capsys):
    run = tmp_path / "run"
    assert train(discs, "--out", run, *TINY, "--lr", 100) == 2
    said, printed = capsys.readouterr(), " ".join
    warnings = json.loads((run / "warnings.json").read_text())
    assert warnings[0]["kind"] == "exploding" and "lower --lr, to 0.002 say" in warnings[0]["message"]
    out = printed(said.out.split())
    assert all(f"warning epoch {warning['epoch']}: {warning['message']}" in out for warning in warnings)
    assert (
        "error: the training was ended after epoch" in said.err and "model.safetensors holds the best model" in said.err
    )
    assert load_state(run).extra["warnings"] == warnings
    # Resumed, it says nothing twice, and ends at once.
    assert train("--resume", run) == 2
    assert "warning epoch" not in printed(capsys.readouterr().out.split())
    assert json.loads((run / "warnings.json").read_text()) == warnings


def test_warnings_of_a_run_that_ends_are_in_its_metrics_and_named_at_the_end(finished, discs, tmp_path, capsys):
    warnings = json.loads((finished / "warnings.json").read_text())
    assert [warning["kind"] for warning in warnings] == ["all background"]  # of 9 steps
    assert json.loads((finished / "metrics.json").read_text())["warnings"] == warnings
    assert train(discs, "--out", tmp_path / "run", *TINY) == 0
    assert "warnings  all background: see above" in capsys.readouterr().out


def test_too_little_memory_for_a_step_is_an_error_with_the_remedy(discs, tmp_path, monkeypatch, capsys):
    def full(self, batch, following):
        raise MemoryError("Unable to allocate 64 GiB")

    monkeypatch.setattr(Trainer, "_step", full)
    assert train(discs, "--out", tmp_path / "run", *TINY) == 2
    assert "lower --batch-size, --size or --base-channels" in problems(capsys)[0]
