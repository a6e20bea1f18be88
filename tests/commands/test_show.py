"""`python -m minunet.show`: its table and its pictures, and what it refuses."""

import numpy as np
import pytest
from PIL import Image

import minunet
from minunet.show import main


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    minunet.save_model(minunet.UNet(base_channels=2, depth=2, rng=np.random.default_rng(1)), "model.safetensors")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 30), np.uint8)).save("smear.png")
    return tmp_path


def show(*arguments):
    return main(["model.safetensors", "smear.png", *arguments])


def test_table_and_pictures(files, capsys):
    assert show("--layer", "bottleneck.convs.1") == 0
    lines = capsys.readouterr().out.splitlines()
    row = next(line.split() for line in lines if "bottleneck.convs.1" in line)
    assert (row[1], row[2]) == ("8x5", "8")  # 30x20, padded to 32x20
    assert all(len(line) <= 80 for line in lines)
    names = sorted(path.name for path in (files / "smear_layers").iterdir())
    assert names == ["bottleneck.convs.1.png", "filters.png", "layers.png"]
    for path in (files / "smear_layers").iterdir():
        with Image.open(path) as picture:
            assert np.asarray(picture).std() > 0


def test_pictures_are_not_overwritten_unless_asked(files, capsys):
    assert show("--out", "a") == 0
    assert show("--out", "a") == 2
    assert "layers.png and filters.png are there already; add --overwrite" in capsys.readouterr().err
    assert show("--out", "a", "--overwrite") == 0


def test_no_picture_is_written_among_the_images(files, capsys):
    assert show("--out", ".") == 2
    assert "results would mix with the images or masks in ." in capsys.readouterr().err
    assert sorted(path.name for path in files.iterdir()) == ["model.safetensors", "smear.png"]


def test_the_model_that_comes_with_minunet(files, capsys):
    assert main(["pretrained", "smear.png"]) == 0
    assert minunet.load_model().summary() in " ".join(capsys.readouterr().out.split())
    assert (files / "smear_layers" / "layers.png").is_file()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--layer", "botleneck.convs.1"], "did you mean bottleneck.convs.1"),
        (["--layer", "x"], "there are contraction.0.convs.0"),
        (["--out", "model.safetensors"], "--out model.safetensors"),
    ],
)
def test_what_cannot_be_is_refused(files, capsys, arguments, message):
    assert show(*arguments) == 2
    assert message in capsys.readouterr().err


def test_every_problem_is_named_at_once(files, capsys):
    assert main(["nowhere.safetensors", "nothing.png"]) == 2
    error = capsys.readouterr().err
    assert "nowhere.safetensors" in error and "nothing.png" in error
