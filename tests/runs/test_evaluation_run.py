"""The folder of an evaluation: what may be overwritten, and what may not. How its masks are read."""

import numpy as np
from PIL import Image

from minunet.data.pair_statistics import measure_pairs
from minunet.data.pairs import Pair
from minunet.data.reading.mask_choice import MaskChoice
from minunet.data.reading.mask_reading import MaskReading
from minunet.runs.evaluation_run import EVALUATION_CONTENTS, evaluation_problems, evaluation_reading


def test_only_the_files_of_an_evaluation_are_overwritten(tmp_path):
    assert evaluation_problems(tmp_path / "new", [], overwrite=False) == []
    for name in EVALUATION_CONTENTS:
        (tmp_path / name).write_text("{}")
    (problem,) = evaluation_problems(tmp_path, [], overwrite=False)
    assert "metrics.json, per_image.csv and cases.png are there already; add --overwrite" in problem
    assert evaluation_problems(tmp_path, [], overwrite=True) == []
    (tmp_path / "config.json").write_text("{}")
    assert "this folder holds a run" in evaluation_problems(tmp_path, [], overwrite=True)[0]


def test_nothing_is_written_among_the_data(tmp_path):
    pair = Pair("a", tmp_path / "images" / "a.png", tmp_path / "masks" / "a.png")
    for out, problems in ((tmp_path / "images", 1), (tmp_path / "masks", 1), (tmp_path, 0)):
        assert len(evaluation_problems(out, [pair], overwrite=True)) == problems


def test_cells_are_counted_by_their_numbers_though_the_training_had_none(tmp_path):
    numbers = np.zeros((24, 32), np.uint8)
    for number, column in enumerate((2, 8, 14, 20, 26), start=1):
        numbers[4:14, column : column + 6] = number
    for name, array in (
        ("image", numbers * 40),
        ("numbers", numbers),
        ("black and white", np.uint8(numbers > 0) * 255),
    ):
        Image.fromarray(array).save(tmp_path / f"{name}.png")

    def read(mask, stored):
        pairs = [Pair("a", tmp_path / "image.png", tmp_path / f"{mask}.png")]
        chosen = evaluation_reading(stored, measure_pairs(pairs), MaskChoice())
        return None if chosen.reading is None else (chosen.reading.numbered, chosen.reading.cells)

    two_values = MaskReading("two values", "255")
    assert read("numbers", two_values) == read("numbers", None) == (True, ">0")
    assert read("black and white", two_values) == (False, "255")
    assert read("black and white", None) is None
    assert read("numbers", MaskReading("levels", "2")) == (False, "2")  # the training may have known one class alone
