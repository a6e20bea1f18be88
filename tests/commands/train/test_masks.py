"""The masks of a training are read once for the whole set: said, stored, kept when it is resumed, and used by evaluate."""

import json

import numpy as np
import pytest
from PIL import Image

import minunet
from minunet.evaluate import main as evaluate
from minunet.runs.train_config import TrainConfig
from tests.commands.train.small_runs import TINY, problems, train
from tests.data.reading.mask_sets import drawn_labels

ONE = [*TINY, "--epochs", "1"]


def write_masks(folder, function, count=6):
    """Pairs of grey images and of masks that hold `function(labels)`."""
    rng = np.random.default_rng(0)
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number in range(count):
        labels = drawn_labels(number, (32, 24), radius=4, most=4)
        image = np.clip(60 + 120 * (labels > 0) + rng.normal(0, 15, labels.shape), 0, 255).astype(np.uint8)
        Image.fromarray(image).save(folder / "images" / f"s{number}.png")
        Image.fromarray(function(labels)).save(folder / "masks" / f"s{number}.png")
    return folder


def with_border(labels):
    """Classes of Pascal VOC: 1 for cells, and 255 in the first columns, and in the whole of a mask with four cells."""
    values = (labels > 0).astype(np.uint8)
    values[:, :6] = 255
    return values


@pytest.fixture(scope="module")
def ignoring(tmp_path_factory):
    """A data set whose masks have pixels to ignore, one of them no other, and a run on it."""
    root = tmp_path_factory.mktemp("masks")
    data = write_masks(root / "data", with_border)
    Image.new("L", (32, 24), 255).save(data / "masks" / "s2.png")
    assert train(data, "--out", root / "run", "--loss", "bce+dice", "--augment", "full", *ONE) == 0
    return root


def test_the_reading_is_stored_and_used(ignoring, capsys):
    run = ignoring / "run"
    reading = TrainConfig.read(run / "config.json").reading
    assert (reading.cells, reading.ignore) == (">0", "255")
    assert json.loads((run / "split.json").read_text())["reading"] == reading.to_dict()
    assert minunet.load_model(run).preprocessing.reading == reading
    assert evaluate([str(run), str(ignoring / "data"), "--side", "all"]) == 0
    assert "masks     levels, 8 bit; cell is above 0; ignored is 255\n" in capsys.readouterr().out
    (ignoring / "data" / "masks" / "s0.png").touch()
    assert train("--resume", run) == 0
    assert TrainConfig.read(run / "config.json").reading == reading


def test_other_values_are_refused_when_a_run_is_resumed(ignoring, capsys):
    assert train("--resume", ignoring / "run", "--cell", "0") == 2
    assert problems(capsys)[0].startswith("--cell 0: this run has none, and a resumed run keeps its settings")


def test_evaluate_asks_where_masks_do_not_fit(ignoring, tmp_path, capsys):
    data = write_masks(tmp_path / "other", lambda labels: np.where(labels > 0, 0, 200).astype(np.uint8))
    run = str(ignoring / "run")
    assert evaluate([run, str(data)]) == 2
    (problem,) = problems(capsys)
    assert "the masks do not fit the reading of the model (cell is above 0)" in problem
    assert "cell is 0. Say which values are cell, with --cell." in problem
    assert evaluate([run, str(data), "--cell", "0"]) == 0
    assert "masks     two values, 8 bit; cell is 0; " in capsys.readouterr().out


def test_numbered_cells_are_counted(tmp_path, capsys):
    data = write_masks(tmp_path / "data", lambda labels: (labels * 300).astype(np.uint16))
    cells = sum(drawn_labels(number, (32, 24), radius=4, most=4).max() for number in range(6))
    assert train(data, "--out", tmp_path / "run", *ONE) == 0
    assert f"masks     numbered cells, 16 bit; cell is above 0; {cells} cells\n" in capsys.readouterr().out


def test_two_plausible_readings_end_with_both_commands(tmp_path, capsys):
    data = write_masks(tmp_path / "data", lambda labels: np.choose(labels % 3, [0, 128, 255]).astype(np.uint8))
    command = [data, "--out", tmp_path / "run", *ONE]
    assert train(*command) == 2
    (problem,) = problems(capsys)
    typed = " ".join(["python -m minunet.train", *map(str, command)])
    for choice in ("--cell '>0';", "--cell 255;", "--cell 255 --ignore 128;"):
        assert f"{typed} {choice}" in problem
    assert train(*command, "--cell", "255", "--ignore", "128") == 0
    assert "masks     two values, 8 bit; cell is 255; ignored is 128; " in capsys.readouterr().out


def test_flags_that_exclude_each_other(tmp_path, capsys):
    data = write_masks(tmp_path / "data", with_border)
    assert train(data, "--out", tmp_path / "run", "--cell", "1", "--invert-masks", "--ignore", "x", *ONE) == 2
    said = "\n".join(problems(capsys))
    assert "--ignore x: 'x': 'x' is none of values (1,2)" in said
    assert "--cell and --invert-masks exclude each other" in said
