"""Predicted images that are unlike those of the training are said, one line each."""

import csv

import numpy as np
import pytest
from PIL import Image, ImageFilter

from minunet import UNet
from minunet.checkpoints.model_writing import write_model
from minunet.data.reading.preprocessing import Preprocessing
from tests.commands.predict.prediction_folders import run
from tests.data.small_appearances import smears, statistics

SIZE = Preprocessing(size=(32, 32))


@pytest.fixture
def images(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image = smears(1, size=(64, 64))[0]
    (tmp_path / "new").mkdir()
    for name, pixels in (("a", image), ("dark", image // 4), ("negative", 255 - image)):
        Image.fromarray(pixels).save(tmp_path / "new" / f"{name}.png")


def said(capsys):
    lines = capsys.readouterr().out
    return " ".join(lines.split())


@pytest.mark.parametrize("bias", [0.0, 100.0, -100.0])
def test_an_image_unlike_the_training_images_has_a_line(images, tmp_path, capsys, bias):
    model = UNet(base_channels=2, depth=1, rng=np.random.default_rng(0))
    dict(model.named_parameters())["head.bias"].data[:] += bias
    path = write_model(
        tmp_path / "m.safetensors", model, SIZE, training_images=statistics(smears(10, size=(64, 64)), SIZE)
    )
    assert run(path, "new", "--out", "out") == 0
    text = said(capsys)
    assert "unlike dark: it is darker than the training images" in text
    assert "unlike negative: most of it is dark" in text
    assert ("all of its pixels are cells" in text) == (bias > 0)
    assert ("none of its pixels is a cell" in text) == (bias < 0)
    assert ("unlike a:" in text) == (bias != 0)
    assert f"{2 if bias == 0 else 3} of them to look at first" in text


def test_the_table_notes_which_images_are_out_of_focus(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "new").mkdir()
    preprocessing = Preprocessing(size=(96, 96))
    for number, image in enumerate(smears(5, first=100)):
        picture = Image.fromarray(image)
        picture.save(tmp_path / "new" / f"sharp{number}.png")
        picture.filter(ImageFilter.GaussianBlur(3)).save(tmp_path / "new" / f"blurred{number}.png")
    model = UNet(base_channels=1, depth=1, rng=np.random.default_rng(0))
    path = write_model(tmp_path / "m.safetensors", model, preprocessing, training_images=statistics(smears(24)))
    assert run(path, "new", "--out", "out") == 0
    with open(tmp_path / "out" / "images.csv", newline="") as file:
        noted = {row["image"]: "out of focus" in row["notes"] for row in csv.DictReader(file)}
    assert sum(noted[f"blurred{number}"] for number in range(5)) >= 4
    assert not any(noted[f"sharp{number}"] for number in range(5))
