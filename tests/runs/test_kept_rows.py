"""What is kept of rows that come in parts."""

import numpy as np

from minunet.data.appearance import middle_window
from minunet.runs.kept_rows import MiddleRows


def test_the_middle_is_kept_of_rows_that_come_in_parts(monkeypatch):
    monkeypatch.setattr("minunet.data.appearance.LONGEST_WINDOW", 20)
    image = np.arange(33 * 47).reshape(33, 47)
    for step in (1, 4, 7, 33):
        middle = MiddleRows()
        for start in range(0, 33, step):
            middle.add(image[start : start + step], image.shape)
        assert np.array_equal(middle.window(), image[middle_window(image.shape)])
