"""`python -m minunet.evaluate` with a model that brings images to a cell diameter, the pretrained one among them."""

import pytest

from minunet.checkpoints import pretrained
from minunet.checkpoints.model_writing import write_model
from minunet.data.reading.preprocessing import Preprocessing
from tests.commands.evaluate.small_evaluations import flat, numbers, run
from tests.commands.predict.cell_folders import bright_is_cell


@pytest.fixture
def shipped(tmp_path_factory, monkeypatch):
    """A model that knows bright cells of 10 pixels, in the place of the shipped one."""
    path = tmp_path_factory.mktemp("models") / "blood_smears.safetensors"
    monkeypatch.setattr(pretrained, "PRETRAINED_FILE", write_model(path, bright_is_cell(), Preprocessing(diameter=10)))


@pytest.mark.usefixtures("shipped")
def test_the_pretrained_model_is_scored_at_the_size_of_the_images(made, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run("pretrained", made / "data", "--out", "out") == 0
    said = flat(capsys.readouterr().out)
    assert "the one that comes with minunet" in said
    assert "split.json" not in said  # nobody has trained it on these images
    assert "size cells of about" in said
    result = numbers()
    assert result["scale"] == "native"
    assert result["all_pixels"]["dice"] > 0.9
    assert all(8 <= image["cell_diameter"] <= 30 for image in result["images"])
    assert run("pretrained", made / "data", "--diameter", 12, "--out", "given") == 0
    assert {image["cell_diameter"] for image in numbers("given")["images"]} == {12}


def test_a_model_that_knows_no_diameter(made, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(made / "run", made / "data", "--diameter", 12) == 2
    assert "--diameter 12: this model does not know how large the cells" in flat(capsys.readouterr().err)


@pytest.mark.usefixtures("shipped")
def test_a_diameter_that_does_not_suit_an_image(made, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run("pretrained", made / "data", "--diameter", 500) == 2
    assert "a.png: a cell diameter of 500.0: the image has only 32x24 pixels" in flat(capsys.readouterr().err)
