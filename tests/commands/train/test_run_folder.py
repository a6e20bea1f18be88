"""The run folder of `python -m minunet.train`: its files, its name, the smears drawn into it."""

import json
import re
import shutil
import sys

import numpy as np
import pytest
from PIL import Image

import minunet
import minunet.results.curves
from minunet.runs.run_folder import CONTENTS
from minunet.runs.train_config import TrainConfig
from minunet.version import __version__
from tests.commands.train.small_runs import TINY, history, train
from tests.discs import write_discs


def test_a_run_leaves_every_file_and_they_agree(finished, discs):
    assert {path.name for path in finished.iterdir()} == {name for name in CONTENTS if not name.endswith("/")}
    metrics = json.loads((finished / "metrics.json").read_text())
    split = json.loads((finished / "split.json").read_text())
    rows = history(finished)
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    best = rows[metrics["best_epoch"] - 1]
    assert best["best"] == "1" and float(best["val_dice"]) == max(float(row["val_dice"]) for row in rows)
    assert [row["name"] for row in metrics["test_images"]] == split["test"]
    names = split["train"] + split["validation"] + split["test"]
    assert sorted(names) == sorted(split["digests"]) == sorted(path.stem for path in (discs / "images").iterdir())
    assert metrics["versions"]["minunet"] == __version__ and metrics["epochs"] == 3 and metrics["seconds"] > 0
    assert metrics["test"]["baseline"] == pytest.approx(1 - foreground(finished, discs, split["test"]))
    assert TrainConfig.read(finished / "config.json").size == (16, 16)
    for name in ("predictions.png", "curves.png", "augmentation.png"):
        with Image.open(finished / name) as picture:
            assert min(picture.size) > 100


def foreground(run, discs, names):
    preprocessing = minunet.load_model(run).preprocessing
    masks = [preprocessing.target(np.asarray(Image.open(discs / "masks" / f"{name}.png"))) for name in names]
    return np.mean(masks)


def test_the_model_file_describes_itself_and_predicts_alone(finished, discs):
    model = minunet.load_model(finished / "model.safetensors")
    probability = model.predict(discs / "images" / "cell0.png")
    assert probability.shape == (20, 24) and probability.dtype == np.float32
    metrics = json.loads((finished / "metrics.json").read_text())
    assert model.metrics["test"] == metrics["test"] and model.metrics["validation"] == metrics["validation"]
    assert model.extra["training"]["epochs"] == 3
    assert "data" not in model.extra["training"]  # where the data lay is not handed on with the model


def test_without_data_it_draws_smears_into_the_run_folder_and_trains_on_them(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("minunet.runs.training_data.DRAWN_COUNT", 5)
    run = tmp_path / "run"
    assert train("--out", run, *TINY, "--epochs", 1, "--size", "32x24") == 0
    said = capsys.readouterr().out
    assert f"data      drawn by minunet: {run}/synthetic" in said and "5 pairs, all 32x24" in said
    assert sorted(path.name for path in (run / "synthetic" / "images").iterdir())[0] == "smear_0000.png"
    config = TrainConfig.read(run / "config.json")
    assert config.drawn and config.epochs == 1 and config.size == (32, 24)
    shutil.rmtree(run / "synthetic")
    (run / "metrics.json").unlink()
    assert train("--resume", run) == 0  # drawn again, the same


def test_names_that_look_like_the_place_of_a_crop_stay_names(tmp_path):
    data = write_discs(tmp_path / "data", 8, (64, 64), squared_radius=25)
    for file in [*data.glob("*/*.png")]:
        file.rename(file.with_name(file.name.replace("cell", "smear").replace(".png", " [0:64, 0:64].png")))
    run = tmp_path / "run"
    crops = ["--crop", 64, "--depth", 1, "--base-channels", 2, "--batch-size", 2, "--epochs", 1, "--device", "cpu"]
    assert train(data, "--out", run, *crops) == 0
    metrics = json.loads((run / "metrics.json").read_text())
    split = json.loads((run / "split.json").read_text())
    assert [row["name"] for row in metrics["test_images"]] == split["test"]
    assert all(name.endswith(" [0:64, 0:64]") for name in split["test"])


def test_the_run_folder_is_named_after_the_time_unless_told(discs, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert train(discs, *TINY, "--epochs", 1) == 0
    (run,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d-\d{6}", run.name) and (run / "model.safetensors").is_file()


def test_without_matplotlib_one_line_says_how_to_get_it(discs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("minunet.runs.run_pictures.plot_curves", minunet.results.curves.plot_curves)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert train(discs, "--out", tmp_path / "run", *TINY, "--epochs", 1) == 0
    said = capsys.readouterr().out
    assert said.count("pip install 'minunet[plots]'") == 1
    assert not (tmp_path / "run" / "curves.png").exists() and "curves.png" not in said
