"""Numbers of cells without gaps, from numbers of any size."""

import numpy as np
import pytest

from minunet.data.cell_numbers import without_gaps


@pytest.mark.parametrize("largest", [9, 2_000_000_000])
@pytest.mark.parametrize("background", [0, 4])
def test_numbers_keep_their_order_and_lose_their_gaps(largest, background):
    labels = np.array([[background, 5, 5, largest], [background, background, 5, largest]], np.int32)
    numbers, areas = without_gaps(labels)
    first = int(background > 0)
    assert numbers.tolist() == [[first, first + 1, first + 1, first + 2], [first, first, first + 1, first + 2]]
    assert areas.tolist() == [3, 3, 2][1 - first :]


def test_an_image_without_cells():
    numbers, areas = without_gaps(np.zeros((2, 3), np.uint16))
    assert not numbers.any()
    assert areas.size == 0
