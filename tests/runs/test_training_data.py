"""The data of a run: found, checked and split together with what is wrong, and drawn only once."""

import csv
from dataclasses import replace

import pytest

from minunet.data.synthetic import write_set
from minunet.errors import UserError
from minunet.runs.run_folder import RunFolder
from minunet.runs.split_file import read_split, write_split
from minunet.runs.train_config import TrainConfig
from minunet.runs.training_data import draw_smears, find_training_data
from tests.discs import write_discs


@pytest.fixture
def config(tmp_path):
    return TrainConfig(data=str(write_discs(tmp_path / "data", 10, (32, 24), squared_radius=50)), size=(16, 12))


def test_every_pair_is_on_one_side(config, tmp_path):
    data = find_training_data(config, RunFolder(tmp_path / "run"))
    sides = [len(side) for side in (data.split.train, data.split.validation, data.split.test)]
    assert (sides, data.sizes, data.warnings, data.grey_share) == ([8, 1, 1], {(32, 24): 10}, (), 0.0)


def test_all_problems_are_in_one_error(config, tmp_path):
    data = tmp_path / "data"
    (data / "masks" / "cell3.png").unlink()
    with pytest.raises(UserError) as error:
        find_training_data(config, RunFolder(data / "images"), known_problems=["--epochs 0: no"])
    problems = "\n".join(error.value.problems)
    assert "--epochs 0: no" in problems and "cell3" in problems
    assert f"results would mix with the images or masks in {data / 'images'}" in problems


def test_crops_larger_than_an_image_are_mentioned(config, tmp_path):
    for depth, remedy in ((1, "; with --crop 24 no crop is larger than its image."), (5, " more.")):
        crops = TrainConfig(data=config.data, size=None, crop=32, depth=depth)
        (warning,) = find_training_data(crops, RunFolder(tmp_path / "run")).warnings
        assert warning.startswith("smaller than --crop 32, and mirrored at their borders: cell0, ")
        assert warning.endswith(remedy)


def test_a_resumed_run_keeps_its_split(config, tmp_path):
    folder = RunFolder(tmp_path / "run")
    split = find_training_data(config, folder).split
    write_split(split, folder)
    other_seed = TrainConfig(**{**config.to_dict(), "seed": 7, "size": (16, 12), "split": (0.5, 0.3, 0.2)})
    assert find_training_data(other_seed, folder, resume=True).split == split
    assert find_training_data(other_seed, folder).split != split
    folder.split.write_text("[]")
    with pytest.raises(UserError, match=r"split\.json: this is not a split"):
        read_split(folder, split.train)


def test_smears_are_drawn_once(tmp_path, monkeypatch):
    sizes = []

    def write_set(folder, count, size, seed, progress):
        sizes.append(size)
        folder.mkdir(parents=True)
        (folder / "cells.csv").touch()

    monkeypatch.setattr("minunet.data.synthetic.smear_set.write_set", write_set)
    for config in (TrainConfig(size=(64, 48)), TrainConfig(size=None, crop=32)):
        folder = RunFolder(tmp_path / str(config.crop))
        for _ in range(2):
            draw_smears(folder, config.drawn_size, config.seed)
    assert sizes == [(64, 48), (64, 64)]


@pytest.fixture(scope="module")
def smears(tmp_path_factory):
    """A folder of drawn smears; not to be changed."""
    folder = tmp_path_factory.mktemp("smears")
    write_set(folder, 4, (48, 48))
    return folder


def test_drawn_smears_are_read_by_the_numbers_of_their_cells(smears, tmp_path):
    config = TrainConfig(data=str(smears), size=(48, 48))
    with open(smears / "cells.csv", newline="") as file:
        count = len(list(csv.DictReader(file)))
    for resume in (False, True):  # resumed: it was stopped before it had a split
        reading = find_training_data(config, RunFolder(tmp_path / "run"), resume=resume).reading
        assert (reading.numbered, reading.count) == (True, count)


def test_a_run_that_began_without_the_numbers_goes_on_without_them(smears, tmp_path):
    folder = RunFolder(tmp_path / "run")
    without = TrainConfig(images=str(smears / "images"), masks=str(smears / "masks"), size=(48, 48))
    data = find_training_data(without, folder)
    write_split(data.split, folder, data.statistics)
    for reading in (data.reading, None):  # None: of a version that read each mask by a threshold of its own
        older = TrainConfig(data=str(smears), size=(48, 48), reading=reading)
        resumed = find_training_data(older, folder, resume=True)
        assert (resumed.split, resumed.reading) == (data.split, reading)
    numbered = find_training_data(TrainConfig(data=str(smears), size=(48, 48)), RunFolder(tmp_path / "other"))
    with pytest.raises(UserError, match="its pixels have changed"):
        find_training_data(replace(older, reading=numbered.reading), folder, resume=True)
