"""The results of a study: a row for every experiment with its scores and the limits of its masks; report and figure."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from minunet.training.trainer import Trainer
from tests.commands.paper.small_studies import CLAIMS, MODELS, TINY, results, study


def test_every_experiment_is_a_run_folder_and_a_row(whole):
    out, _ = whole
    assert sorted(path.name for path in (out / "runs").iterdir()) == sorted(f"{key}-seed0" for key in MODELS + CLAIMS)
    assert set(results(out)["rows"]) == set(MODELS + CLAIMS)
    for run in (out / "runs").iterdir():
        assert {"model.safetensors", "metrics.json", "history.csv", "config.json", "log.txt"} <= {
            p.name for p in run.iterdir()
        }


def test_what_it_says_fits_a_terminal_and_has_the_plan_first_and_the_table_last(whole):
    out, said = whole
    # A path that is longer than a line cannot be folded.
    assert [line for line in said.splitlines() if len(line) > 80 and str(out.parent.parent) not in line] == []
    for words in (
        "M1, greys by resizing",
        "M2, binary masks, no end ReLUs",
        "tanh",
        "average pooling",
        "10 images",
        "in all",
    ):
        assert words in said[said.index("plan ") : said.index("1/11")]
    table = said[said.index("the paper\n") :]
    assert re.search(r"M1, grey masks +0\.5721 +- +0\.0190", table)
    assert re.search(r"M2, binary masks +0\.0210 +- +0\.9843", table)
    assert len(re.findall(r"without end ReLUs +\d", table)) == 3
    for label in ("ReLU", "tanh", "sigmoid", "max", "average", "10, 1 epoch", "12, 1 epoch"):
        assert re.search(rf"^ {label}.* \d\.\d{{4}}", table, re.MULTILINE), label
    assert said.rstrip().endswith(f"open      {out / 'figure.png'}")


def test_the_numbers_are_those_of_the_runs(whole):
    out, said = whole
    for key, row in results(out)["rows"].items():
        test = json.loads((out / "runs" / f"{key}-seed0" / "metrics.json").read_text())["test"]
        for measure in ("loss", "keras_accuracy", "dice", "iou"):
            assert row["mean"][measure] == test[measure]
        cells = (test["loss"], row["bounds"]["floor"], test["keras_accuracy"], row["bounds"]["ceiling"])
        trivial = 2 * row["bounds"]["cells"] / (1 + row["bounds"]["cells"])
        cells += (row["bounds"]["background"], test["dice"], trivial, test["iou"])
        assert " ".join(f"{cell:.4f}" for cell in cells) in " ".join(said.split())
        assert row["trivial_dice"] == pytest.approx(trivial)
        assert test["loss"] >= row["bounds"]["floor"]
        assert test["keras_accuracy"] <= row["bounds"]["ceiling"]


def test_bounds_are_those_of_the_test_masks_the_network_was_scored_on(whole):
    out, _ = whole
    names = json.loads((out / "split.json").read_text())["test"]
    for key, kind in (("m1", "resized"), ("m2", "binary"), ("m1-levels", "levels")):
        masks = [np.asarray(Image.open(out / "prepared" / "16x12" / kind / f"{name}.png")) / 65535 for name in names]
        values = np.concatenate([mask.ravel() for mask in masks])
        grey = values[(values > 0) & (values < 1)]
        floor = -(grey * np.log(grey) + (1 - grey) * np.log(1 - grey)).sum() / values.size
        bounds = results(out)["rows"][key]["bounds"]
        assert bounds["floor"] == pytest.approx(floor, abs=1e-6)
        assert bounds["ceiling"] == 1 - grey.size / values.size
        assert bounds["background"] == np.mean(values == 0)
    assert results(out)["rows"]["m2"]["bounds"]["floor"] == 0
    assert 0 < results(out)["rows"]["m1"]["bounds"]["floor"] < results(out)["rows"]["m1-levels"]["bounds"]["floor"]
    assert results(out)["rows"]["m1-levels"]["mean"]["keras_accuracy"] == 0


def test_runs_differ_in_what_they_compare_and_see_the_same_test_images(whole):
    out, _ = whole
    configs = {key: json.loads((out / "runs" / f"{key}-seed0" / "config.json").read_text()) for key in MODELS + CLAIMS}
    splits = {key: json.loads((out / "runs" / f"{key}-seed0" / "split.json").read_text()) for key in MODELS + CLAIMS}
    assert [configs[key]["block_end_relu"] for key in MODELS] == [True, False] * 3
    assert [configs[key]["mask"] for key in MODELS] == ["grayscale"] * 2 + ["binary"] * 2 + ["grayscale"] * 2
    assert (configs["tanh"]["activation"], configs["average"]["pooling"]) == ("tanh", "average")
    assert {tuple(split["test"]) for split in splits.values()} == {tuple(splits["m1"]["test"])}
    assert len(splits["10-images"]["train"]) == 10 < len(splits["m1"]["train"])
    assert set(splits["10-images"]["train"]) < set(splits["m1"]["train"])


def test_the_report_and_the_figure(whole):
    out, said = whole
    report = (out / "table.md").read_text()
    assert "| M1, grey masks | 0.5721 | - | 0.0190 |" in report
    assert "(figure.png)" in report
    for verdict in results(out)["verdicts"]:
        for sentence in verdict["sentences"]:
            assert sentence in report
            assert sentence in " ".join(said.split())
    assert [verdict["greys"] for verdict in results(out)["verdicts"]] == [
        "greys by resizing",
        "masks saved as greys 0.25:0.75",
    ]
    with Image.open(out / "figure.png") as figure:
        assert figure.width > 1200
        assert figure.height > 3 * 225


def test_seeds_are_averaged_and_their_spread_shown(discs, tmp_path, capsys):
    words = ("--only", "claims", "--levels", "none", "--seeds", "2")
    assert study(discs, "--out", tmp_path / "study", *TINY, *words) == 0
    row = results(tmp_path / "study")["rows"]["tanh"]
    losses = [seed["loss"] for seed in row["seeds"]]
    assert [seed["seed"] for seed in row["seeds"]] == [0, 1]
    assert losses[0] != losses[1]
    assert row["mean"]["loss"] == pytest.approx(np.mean(losses))
    assert row["standard_deviation"]["loss"] == pytest.approx(np.std(losses, ddof=1))
    assert f"{row['mean']['loss']:.4f}" in capsys.readouterr().out


def test_a_training_that_diverges_is_a_row_and_the_others_go_on(discs, tmp_path, monkeypatch, capsys):
    def stepping(self, batch, following):
        images, *others = batch
        if self.model.config["activation"] == "tanh":
            images = images * np.float32("nan")
        return plain(self, (images, *others), following)

    plain = Trainer._step
    monkeypatch.setattr(Trainer, "_step", stepping)
    assert study(discs, "--out", tmp_path / "study", *TINY, "--only", "claims") == 0
    said = capsys.readouterr().out
    assert re.search(r"^ tanh +diverged \(seed 0\)$", said, re.MULTILINE)
    rows = results(tmp_path / "study")["rows"]
    assert rows["tanh"]["mean"] is None
    # It is named with the layer and the images, above the table too, and compared with none.
    plain_words = " ".join(said.split())
    assert "note not finite, epoch 1: the loss became nan in epoch 1, step 1" in plain_words
    assert "tanh diverged." in plain_words[: plain_words.index("loss floor Keras")]
    assert rows["sigmoid"]["mean"]["loss"] > 0
