"""Results are never written where they would later be read as data, nor over the results of another command."""

import json

import numpy as np
import pytest
from PIL import Image

from minunet import UNet, evaluate, train
from minunet.checkpoints.model_writing import write_model
from minunet.data.reading.preprocessing import Preprocessing
from minunet.runs.train_config import TrainConfig

TINY = ["--size", "16", "--base-channels", "2", "--depth", "1", "--epochs", "1", "--device", "cpu"]


@pytest.fixture
def flat(tmp_path):
    """A folder of NAME.png beside NAME_mask.png."""
    rng = np.random.default_rng(0)
    for i in range(3):
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(tmp_path / f"{i}.png")
        Image.fromarray(np.eye(16, dtype=np.uint8) * 255).save(tmp_path / f"{i}_mask.png")
    return tmp_path


@pytest.fixture
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return write_model(folder / "model.safetensors", UNet(base_channels=2, depth=1), Preprocessing(size=(16, 16)))


def test_a_run_is_not_written_among_the_images(flat, capsys):
    before = sorted(flat.iterdir())
    assert train.main([str(flat), "--out", str(flat), *TINY]) == 2
    assert f"--out {flat}: results would mix with the images or masks" in capsys.readouterr().err
    assert sorted(flat.iterdir()) == before


def test_nor_is_an_evaluation(flat, model, capsys):
    before = sorted(flat.iterdir())
    assert evaluate.main([str(model), str(flat), "--out", str(flat), "--device", "cpu"]) == 2
    assert f"--out {flat}: results would mix with the images or masks" in capsys.readouterr().err
    assert sorted(flat.iterdir()) == before


@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]])
def test_an_evaluation_leaves_the_numbers_of_a_run_alone(overwrite, flat, model, capsys):
    TrainConfig().write(model.parent / "config.json")
    (model.parent / "metrics.json").write_text(json.dumps({"epochs": 1}))
    assert evaluate.main([str(model), str(flat), "--out", str(model.parent), *overwrite]) == 2
    assert "this folder holds a run, with a metrics.json of its own" in capsys.readouterr().err
    assert json.loads((model.parent / "metrics.json").read_text()) == {"epochs": 1}


def test_an_evaluation_beside_the_data_replaces_its_own_files(flat, model):
    out = flat / "scores"
    arguments = [str(model), str(flat), "--out", str(out), "--device", "cpu"]
    assert evaluate.main(arguments) == 0
    assert evaluate.main(arguments) == 2
    assert evaluate.main([*arguments, "--overwrite"]) == 0
