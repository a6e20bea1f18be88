"""A training without --size: the size that the images get, and the warnings about sizes; the statistics in the model."""

from minunet.checkpoints.model_file import load_model
from minunet.runs.train_config import TrainConfig
from tests.commands.train.small_runs import TINY, train


def without_size(arguments):
    arguments = list(arguments)
    place = arguments.index("--size")
    return arguments[:place] + arguments[place + 2 :]


def test_the_size_follows_the_images_and_is_stored(discs, tmp_path, capsys):
    assert train(discs, "--out", tmp_path / "run", *without_size(TINY), "--epochs", 1) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "input grey, resized to 24x20;" in text
    assert "changes the aspect" not in text
    assert TrainConfig.read(tmp_path / "run" / "config.json").size == (24, 20)
    model = load_model(tmp_path / "run")
    assert model.preprocessing.size == (24, 20)
    assert model.training_images.count == 6
    assert 3 < model.training_images.cell_diameter < 20
    assert load_model(tmp_path / "run" / "last.safetensors").training_images == model.training_images


def test_a_size_that_distorts_or_is_too_small_for_the_cells_is_said(discs, tmp_path, capsys):
    assert train(discs, "--out", tmp_path / "run", *without_size(TINY), "--size", "24x8", "--epochs", 1) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "resizing to 24x8 changes the aspect of every image by 150% (24x20)" in text
    assert "a typical cell is" in text and "pixels wide after resizing to 24x8" in text
