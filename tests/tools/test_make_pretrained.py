"""The script of the pretrained model: it draws what is missing, goes on with a stopped training, and writes a small file."""

import os

import numpy as np
import pytest
from PIL import Image

from minunet import UNet
from minunet.checkpoints.model_file import load_model
from minunet.checkpoints.model_writing import write_model
from minunet.data.reading.preprocessing import Preprocessing
from tools import make_pretrained


@pytest.fixture
def small(monkeypatch):
    """Small images, of which few are needed."""
    monkeypatch.setattr(make_pretrained, "DRAWN_SIDE", 48)
    monkeypatch.setattr(make_pretrained, "DRAWN_DIAMETER", 16.0)
    monkeypatch.setattr(make_pretrained, "SIDE", 32)


@pytest.mark.ci
def test_a_model_is_made_and_only_what_is_missing_is_made_again(small, tmp_path):
    argv = ["--work", str(tmp_path), "--out", str(tmp_path / "model.safetensors"), "--smears", "9", "--epochs", "1"]
    assert make_pretrained.main(argv) == 0
    images = sorted((tmp_path / "smears" / "images").iterdir())
    assert len(images) == 9 and images[0].name == "smear_00000.png"
    with Image.open(tmp_path / "smears" / "masks" / images[0].name) as mask:
        assert mask.size == (48, 48) and np.asarray(mask).max() >= 1
    model = load_model(tmp_path / "model.safetensors", device="cpu")
    assert (
        model.preprocessing.size is None
        and model.preprocessing.diameter == 16.0 * 32 / 48
        and model.extra["card"]["smears"] == 9
    )
    assert model.predict(np.full((40, 30), 200, np.uint8)).shape == (40, 30)

    first, written = images[3].read_bytes(), (tmp_path / "model.safetensors").read_bytes()
    os.remove(images[3])
    kept = images[4].stat().st_mtime_ns
    os.remove(tmp_path / "model.safetensors")
    assert make_pretrained.main(argv) == 0
    assert images[3].read_bytes() == first and images[4].stat().st_mtime_ns == kept
    assert (tmp_path / "model.safetensors").read_bytes() == written


def test_every_eighth_smear_is_a_negative(small, tmp_path):
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
    for index in (8, 9):
        make_pretrained.draw((tmp_path, 3, index))
    drawn = [
        make_pretrained.draw_smear(np.random.default_rng([3, index]), (48, 48), "wide", 16.0).image for index in (8, 9)
    ]
    negative, plain = (np.asarray(Image.open(tmp_path / "images" / f"smear_0000{index}.png")) for index in (8, 9))
    assert np.array_equal(negative, 255 - drawn[0]) and np.array_equal(plain, drawn[1])


def test_a_file_that_is_too_large_is_refused(small, tmp_path, monkeypatch):
    monkeypatch.setattr(make_pretrained, "LARGEST", 1000)
    argv = ["--work", str(tmp_path), "--out", str(tmp_path / "model.safetensors"), "--smears", "9", "--epochs", "1"]
    monkeypatch.setattr(make_pretrained, "train_on", lambda *arguments: None)
    monkeypatch.setattr(make_pretrained, "draw_all", lambda *arguments: None)
    (tmp_path / "run_cells").mkdir()
    network = UNet(1, 1, base_channels=2, depth=1)
    write_model(tmp_path / "run_cells" / "model.safetensors", network, Preprocessing(), extra={"training": {}})
    with pytest.raises(SystemExit, match="and at most 1,000 are wanted"):
        make_pretrained.main(argv)
