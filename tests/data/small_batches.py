"""Small batches to test with: their preprocessing, and when two epochs of them are the same."""

import numpy as np

from minunet.data.reading.preprocessing import Preprocessing

SMALL = Preprocessing(size=(12, 8))


def same(first, second):
    """Whether two lists of batches have the same bits and names."""
    return len(first) == len(second) and all(
        np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1]) and a[2] == b[2]
        for a, b in zip(first, second, strict=True)
    )
