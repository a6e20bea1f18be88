"""Which test image the figure shows."""

import pytest

from minunet.experiments.paper_figure import median_image


@pytest.mark.parametrize(
    ("dice", "name"),
    [
        ({"a": 0.9, "b": 0.1, "c": 0.5}, "c"),
        ({"a": 0.9, "b": 0.2}, "a"),
        ({"only": 0.3}, "only"),
        ({"b": 0.5, "a": 0.5}, "b"),
    ],
)
def test_the_image_of_middling_dice(dice, name):
    assert median_image(dice) == name
