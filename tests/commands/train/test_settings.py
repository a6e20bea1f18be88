"""The settings of a training: each of them trains, and how seed, threads and recomputation affect the bits of the result."""

import json

import numpy as np
import pytest

import minunet
from minunet.runs.train_config import TrainConfig
from tests.commands.train.small_runs import TINY, assert_same_run, history, problems, train


def test_training_lowers_the_loss(discs, tmp_path):
    assert train(discs, "--out", tmp_path / "run", *TINY, "--epochs", 12, "--base-channels", 4) == 0
    losses = [float(row["val_loss"]) for row in history(tmp_path / "run")]
    assert losses[-1] < 0.8 * losses[0]


def test_the_same_seed_gives_the_same_run_and_another_seed_another(finished, discs, tmp_path):
    assert train(discs, "--out", tmp_path / "again", *TINY) == 0
    assert_same_run(finished, tmp_path / "again")
    assert train(discs, "--out", tmp_path / "other", *TINY, "--seed", 1) == 0
    assert history(tmp_path / "other") != history(finished)


def test_the_number_of_threads_changes_nothing(finished, discs, tmp_path, monkeypatch):
    monkeypatch.setattr("minunet.kernels.cpu.threads._num_threads", None)  # put back after the test
    assert train(discs, "--out", tmp_path / "run", *TINY, "--threads", 3) == 0
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["threads"] == 3
    assert_same_run(finished, tmp_path / "run")


def test_recompute_keeps_less_and_changes_no_bit_and_may_be_switched_when_resumed(
    finished, discs, tmp_path, monkeypatch
):
    keeps = []  # of each forward pass of a training step, whether its blocks are computed again
    forward = minunet.UNet.forward

    def noting(model, x):
        if model.training:
            keeps.append(not model.recompute)
        return forward(model, x)

    monkeypatch.setattr(minunet.UNet, "forward", noting)
    run = tmp_path / "run"
    assert train(discs, "--out", run, *TINY, "--recompute") == 0
    assert keeps and not any(keeps)
    assert TrainConfig.read(run / "config.json").recompute
    expected, found = (minunet.load_model(folder).model.state_dict() for folder in (finished, run))
    assert all(np.array_equal(expected[name], found[name]) for name in expected)
    keeps.clear()
    assert train("--resume", run, "--no-recompute", "--epochs", 4) == 0
    assert keeps and all(keeps)
    assert not TrainConfig.read(run / "config.json").recompute


@pytest.mark.parametrize(
    "flags",
    [
        "--mask grayscale",
        "--channels rgb --augment full --variant classic --loss bce+dice --schedule cosine",
        "--crop 8 --augment none",
        "--split 50/25/25 --group cell([0-9]) --threshold 0.5 --clip 0",
    ],
)
def test_the_other_ways_to_train_run_too(flags, discs, tmp_path, capsys):
    tiny = TINY[2:] if "--crop" in flags else TINY
    assert train(discs, "--out", tmp_path / "run", *tiny, "--epochs", 1, *flags.split()) == 0
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert 0 <= metrics["test"]["dice"] <= 1
    said = capsys.readouterr().out
    if "--crop" in flags:
        assert "crops of 8x8" in said
        assert len(metrics["test_images"]) == 1  # its pieces count as one image
    if "grayscale" in flags:
        assert "the validation masks allow a cross-entropy no lower than 0." in said
        assert "validation loss" in said
    if "50/25/25" in flags:
        assert "4 to train, 2 to validate, 2 to test" in said


def test_the_precision_is_kept_in_the_run_and_when_it_is_resumed(discs, tmp_path, capsys):
    run = tmp_path / "run"
    assert train(discs, "--out", run, *TINY, "--device", "cpu", "--epochs", "1") == 0
    assert json.loads((run / "config.json").read_text())["precision"] == "fp32"  # what auto came to
    assert json.loads((run / "metrics.json").read_text())["precision"] == "fp32"
    settings = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**settings, "precision": "bf16"}))
    capsys.readouterr()
    assert train("--resume", run, "--epochs", "2", "--device", "cpu") == 2
    assert 'precision "bf16": the CPU computes only in fp32' in problems(capsys)[0]
    assert train("--resume", run, "--epochs", "2", "--device", "cpu", "--precision", "fp32") == 0
    assert json.loads((run / "config.json").read_text())["precision"] == "fp32"
