"""How the masks of an evaluation are read."""

import numpy as np
from PIL import Image

from minunet.data.pair_statistics import measure_pairs
from minunet.data.pairs import Pair
from minunet.data.reading.mask_choice import MaskChoice
from minunet.data.reading.mask_reading import MaskReading
from minunet.inference.evaluation_reading import evaluation_reading


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
    numbered = MaskReading("numbered cells", ">0", numbered=True)  # as the masks of drawn smears are
    assert read("black and white", numbered) == (False, "255")
    assert read("numbers", numbered) == (True, ">0")
