"""The text of --cell and --ignore: what it chooses, and what is refused."""

import numpy as np
import pytest

from minunet.data.reading.mask_values import MaskValues, packed, unpacked, written
from minunet.errors import UserError

VALUES = np.array([0, 1, 2, 10, 128, 255])
COLOURS = packed(np.array([(0, 0, 0), (255, 255, 255), (255, 0, 0), (128, 128, 128)], np.uint8))


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        (">0", [1, 2, 10, 128, 255]),
        ("1,2", [1, 2]),
        ("not:0", [1, 2, 10, 128, 255]),
        ("not: 0, 255", [1, 2, 10, 128]),
        ("2-128", [2, 10, 128]),
        ("2..10,255", [2, 10, 255]),
        ("<=1, >128", [0, 1, 255]),
        ("#ffffff", [255]),
        ("#f00", []),
    ],
)
def test_numbers(text, chosen):
    assert VALUES[MaskValues(text).chosen(VALUES)].tolist() == chosen


@pytest.mark.parametrize(
    ("text", "chosen"),
    [("#ff0000", [2]), ("#F00,#fff", [1, 2]), ("not:#ffffff", [0, 2, 3]), ("255", [1]), (">0", [1, 3])],
)
def test_colours(text, chosen):
    assert np.flatnonzero(MaskValues(text).chosen(COLOURS, colours=True)).tolist() == chosen


@pytest.mark.parametrize("text", ["", "not:", "cell", "1;2", "#12", ">", "> x", "1,,x"])
def test_what_is_no_choice_is_refused(text):
    with pytest.raises(UserError, match="values"):
        MaskValues(text)


def test_as_typed():
    assert [written(255.0), written(0.5), written(0xFF8000, colours=True)] == ["255", "0.5", "#ff8000"]
    np.testing.assert_array_equal(packed(unpacked(COLOURS)), COLOURS)
