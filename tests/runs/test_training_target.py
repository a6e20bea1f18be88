"""The target of a training: cells where the masks number them or have gaps between them, else pixels; or what the user wants."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from minunet.data.pairs import Pair
from minunet.data.reading.mask_reading import NUMBERED, MaskReading
from minunet.errors import UserError
from minunet.runs.train_config import TrainConfig
from minunet.runs.training_target import choose_target, drawn_target, target_problems, with_target

WHITE = MaskReading("two values", "255")


def pairs(folder, numbers, *, gaps=False, white=True):
    """One mask of numbered discs: white on black, with or without a gap between them, or with the numbers."""
    values = np.uint8(numbers > 0) * np.uint8(255) if white else numbers.astype(np.uint8)
    if gaps:
        values[:, 39:41] = 0
    Image.fromarray(values).save(folder / "mask.png")
    return [Pair("mask", folder / "mask.png", folder / "mask.png")]


def touching():
    rows, columns = np.ogrid[:60, :80]
    numbers = np.zeros((60, 80), np.int32)
    for number, column in ((1, 27), (2, 52)):
        numbers[(rows - 30) ** 2 + (columns - column) ** 2 <= 14**2] = number
    return numbers


CONFIG = TrainConfig(data="smears", size=(32, 16), reading=WHITE)


def test_gaps_between_cells_make_the_target_cells(tmp_path):
    config, words = choose_target(CONFIG, pairs(tmp_path, touching(), gaps=True), given=False)
    assert config.target == "cells"
    assert config.outputs.channels == 2
    assert words.startswith("cells: ")


def test_numbers_make_the_target_cells(tmp_path):
    config = replace(CONFIG, reading=MaskReading(NUMBERED, ">0"))
    assert choose_target(config, pairs(tmp_path, touching(), white=False), given=False)[0].target == "cells"


def test_touching_cells_without_numbers_or_gaps_are_pixels_and_a_line_says_why(tmp_path):
    config, words = choose_target(CONFIG, pairs(tmp_path, touching()), given=False)
    assert config.target == "pixels"
    assert config.outputs.channels == 1
    assert "neither number their cells nor have gaps" in words


def test_cells_that_were_asked_for_are_refused_there_with_the_remedy(tmp_path):
    with pytest.raises(
        UserError, match="--target cells: the masks neither .*; number the cells in the masks, or .*pixels"
    ):
        choose_target(replace(CONFIG, target="cells"), pairs(tmp_path, touching()), given=True)


def test_pixels_that_were_asked_for_stay(tmp_path):
    config, words = choose_target(CONFIG, pairs(tmp_path, touching(), gaps=True), given=True)
    assert config.target == "pixels"
    assert words == "cell or not, pixel by pixel"


def test_masks_without_a_cell_and_grey_masks_are_pixels(tmp_path):
    config, words = choose_target(CONFIG, pairs(tmp_path, np.zeros((60, 80), int)), given=False)
    assert (config.target, words.endswith("the masks have no cells")) == ("pixels", True)
    grey = replace(CONFIG, mask="grayscale")
    config, words = choose_target(grey, pairs(tmp_path, touching(), gaps=True), given=False)
    assert (config.target, "greys" in words) == ("pixels", True)
    assert "exclude each other" in target_problems(replace(grey, target="cells"))[0]


def test_without_the_packages_it_is_pixels_or_refused(tmp_path, monkeypatch):
    found = pairs(tmp_path, touching(), gaps=True)
    monkeypatch.setitem(sys.modules, "scipy", None)
    config, words = choose_target(CONFIG, found, given=False)
    assert config.target == "pixels"
    assert "scipy is not installed" in words
    assert "pip install 'minunet[cells]'" in words
    assert drawn_target(TrainConfig()).target == "pixels"
    wanted = replace(CONFIG, target="cells")
    with pytest.raises(UserError, match=r"--target cells: scipy is not installed.*minunet\[cells\]"):
        choose_target(wanted, found, given=True)
    assert target_problems(wanted)


def test_what_separates_cells_is_for_cells():
    assert with_target({"separation": "seam"}) == {"separation": "seam", "target": "cells"}
    assert with_target({"epochs": 3}) == {"epochs": 3}
    pixels = with_target({"separation": "seam", "target": "pixels"})
    (problem,) = target_problems(replace(CONFIG, **pixels), separated=True)
    assert "--separation" in problem


def test_drawn_smears_are_cells():
    assert drawn_target(TrainConfig()).target == "cells"
    assert drawn_target(TrainConfig(mask="grayscale")).target == "pixels"


def test_runs_of_older_versions_learn_pixels():
    stored = TrainConfig().to_dict()
    del stored["target"]
    config = TrainConfig.from_dict(stored, "config.json")
    assert (config.target, config.outputs.channels) == ("pixels", 1)
    cells = replace(TrainConfig(), target="cells", separation="seam")
    assert TrainConfig.from_dict(cells.to_dict(), "config.json") == cells
