"""Trainings that cannot go on without disk, memory or a finite loss: one sentence with the remedy, and the good files are kept."""

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
        images, masks = batch
        return plain(self, (images * np.float32("nan") if self.progress.step == 4 else images, masks), following)

    monkeypatch.setattr(Trainer, "_step", stepping)
    run = tmp_path / "run"
    assert train(discs, "--out", run, *TINY) == 2
    (problem,) = problems(capsys)
    assert problem.startswith("the loss became nan in epoch 2, step 2 of 3, at a learning rate of ")
    assert (
        "lower --lr, to 0.001 say" in problem
        and f"{run}/model.safetensors holds the best model so far, of epoch 1" in problem
    )
    assert (
        load_state(run).epoch == 1
        and np.isfinite(minunet.load_model(run).predict(discs / "images" / "cell0.png")).all()
    )


def test_too_little_memory_for_a_step_is_an_error_with_the_remedy(discs, tmp_path, monkeypatch, capsys):
    def full(self, batch, following):
        raise MemoryError("Unable to allocate 64 GiB")

    monkeypatch.setattr(Trainer, "_step", full)
    assert train(discs, "--out", tmp_path / "run", *TINY) == 2
    assert "lower --batch-size, --size or --base-channels" in problems(capsys)[0]
