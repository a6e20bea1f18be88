"""Which argument of a prediction is the model, and which are images."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minunet.runs.prediction_inputs import model_and_images


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, model):
    """smears/a.png, a.png, noname (a PNG), run/ (a model and a picture), runs/first/ (the same), empty/, m.safetensors, text."""
    monkeypatch.chdir(tmp_path)
    image = Image.fromarray(np.zeros((4, 4), np.uint8))
    for name in ("smears/a.png", "a.png", "run/curves.png", "runs/first/curves.png", "runs/plot.png"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        image.save(name)
    image.save("noname", "PNG")
    for name in ("run/model.safetensors", "runs/first/model.safetensors", "m.safetensors", "model_without_ending"):
        Path(name).write_bytes(Path(model).read_bytes())
    Path("empty").mkdir()
    Path("text").write_text("words")


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """The beginning of a safetensors file."""
    path = tmp_path_factory.mktemp("model") / "m"
    path.write_bytes((2).to_bytes(8, "little") + b"{}")
    return path


@pytest.mark.parametrize("first", ["a.png", "smears", "smears/", "noname", "*.png", "gone.jpg", "photo.heic"])
def test_images_are_predicted_with_the_pretrained_model(first):
    assert model_and_images([first]) == (None, [Path(first)], [])
    assert model_and_images([first, "b.png"]) == (None, [Path(first), Path("b.png")], [])


@pytest.mark.parametrize(
    "first",
    ["run", "m.safetensors", "model_without_ending", "pretrained", "gone", "runs", "empty", "text", "gone.safetensors"],
)
def test_what_is_no_image_is_the_model(first):
    assert model_and_images([first, "smears"]) == (first, [Path("smears")], [])


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["run"], "no images were given: name images or folders after run."),
        (["m.safetensors"], "no images were given: name images or folders after m.safetensors."),
        (["pretrained"], "no images were given: name images or folders after pretrained."),
        (
            ["empty"],
            "empty holds neither images nor a model: give an image, a folder of images, or a model and images.",
        ),
        (["text"], "text is neither an image nor a model: give an image, a folder of images, or a model and images."),
        (["gone"], "gone does not exist: give an image, a folder of images, or a model and images."),
        (["runs"], "runs holds neither images nor a model: give an image, a folder of images, or a model and images."),
        (["a.png", "m.safetensors"], "m.safetensors is a model, and the model comes first: python -m minunet.predict"),
    ],
)
def test_what_is_missing_is_said(arguments, problem):
    assert [found.startswith(problem) for found in model_and_images(arguments)[2]] == [True]


def test_a_folder_of_that_name_is_meant_by_its_path(tmp_path):
    Path("smears").rename("pretrained")
    assert model_and_images(["./pretrained"]) == (None, [Path("pretrained")], [])
    assert model_and_images(["pretrained", "a.png"]) == ("pretrained", [Path("a.png")], [])
