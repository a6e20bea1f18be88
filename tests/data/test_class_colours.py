"""Class colours: each class has its own, and the background is black."""

import numpy as np
import pytest

from minunet.data.class_colours import class_colours


@pytest.mark.parametrize("count", [1, 2, 8, 9, 40])
def test_every_class_has_its_own_colour(count):
    colours = class_colours(count)
    assert colours.shape == (count, 3) and colours.dtype == np.uint8 and not colours[0].any()
    assert len(np.unique(colours, axis=0)) == count


def test_more_classes_do_not_change_the_colours_of_the_first():
    assert np.array_equal(class_colours(12)[:4], class_colours(4))
