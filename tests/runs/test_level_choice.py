"""Which level of a pyramid is predicted, by the size of the cells."""

import numpy as np
import pytest

from minunet import UNet
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.reading.pyramids import levels_of, smallest_level
from minunet.data.reading.rows_of_files import open_rows
from minunet.errors import UserError
from minunet.inference.loaded_model import LoadedModel
from minunet.runs.level_choice import LevelChoice, level_problems
from tests.data.reading.stored_pyramids import picture, write_tiled

MODEL = LoadedModel(UNet(base_channels=1, depth=1, rng=np.random.default_rng(0)), Preprocessing(diameter=16))


def test_scales_are_those_of_the_sizes_without_their_rounding():
    assert [level.scale for level in levels_of([(1001, 500), (500, 250), (250, 125), (333, 166)])] == [1, 2, 4, 3]
    assert levels_of([(100, 1000), (60, 600)])[1].scale == pytest.approx(5 / 3)


@pytest.mark.parametrize(("diameter", "level"), [(10, 0), (16, 0), (31, 0), (32, 1), (64, 2), (1000, 2)])
def test_the_smallest_level_on_which_cells_are_large_enough(diameter, level):
    assert smallest_level(levels_of([(800, 600), (400, 300), (200, 150)]), diameter, 16) == level


def test_a_level_is_chosen_by_the_diameter(tmp_path, monkeypatch):
    write_tiled(tmp_path / "a.tif", picture(256, 320), levels=3)
    for diameter, level in ((20, 0), (40, 1), (100, 2)):
        choice = LevelChoice(MODEL, None, diameter)
        with open_rows(tmp_path / "a.tif", level=choice) as rows:
            assert rows.level == level
    assert choice.described(rows, 0.1, 25) == "level 2 of 0 to 2, 80x64 pixels, 0.4 um a pixel"
    monkeypatch.setattr(
        "minunet.runs.level_choice.estimate_of_rows", lambda model, rows: 40.0 if rows.level == 0 else None
    )
    with open_rows(tmp_path / "a.tif", level=(choice := LevelChoice(MODEL, None))) as rows:
        assert (rows.level, choice.diameter) == (1, 40)
    with open_rows(tmp_path / "a.tif", level=(choice := LevelChoice(MODEL, 0))) as rows:
        assert "level 1 would be enough for cells of this size" in choice.described(rows, None, 40)


def test_a_level_of_an_image_of_one_size(tmp_path):
    choice = LevelChoice(MODEL, 1)
    with pytest.raises(UserError, match=r"a\.png has no level 1: it is stored at one size"):
        choice.check(tmp_path / "a.png")
    assert choice.described(None, None, None) is None


def test_models_that_do_not_know_the_size_of_cells():
    unknowing = LoadedModel(UNet(base_channels=1, depth=1, rng=np.random.default_rng(0)), Preprocessing())
    assert "the model does not know" in level_problems(unknowing, None, 40)[0]
    assert level_problems(unknowing, 0, None) == level_problems(MODEL, None, None) == []
