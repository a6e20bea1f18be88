"""Arrays on disk: parts of them are read and written, and nothing is left."""

import numpy as np
import pytest

from minunet.files import disk_array
from minunet.files.disk_array import DiskArray


@pytest.mark.parametrize("mapped", [1, 1 << 26])
def test_parts_are_read_and_written(mapped, tmp_path, monkeypatch):
    monkeypatch.setattr(disk_array, "MAPPED", mapped)
    expected = np.arange(600, dtype=np.int32).reshape(20, 30)
    with DiskArray(tmp_path, (20, 30), np.int32) as array:
        for top in range(0, 20, 7):
            array.append(expected[top : top + 7])
        np.testing.assert_array_equal(array.crop(3, 9, 4, 11), expected[3:9, 4:11])
        np.testing.assert_array_equal(array.crop(15, 99), expected[15:])
        np.testing.assert_array_equal(array[:, 28:], expected[:, 28:])
        where = np.eye(5, 6, dtype=bool)
        array.put(np.full((5, 6), -1, np.int32), 2, 3, where)
        expected[2:7, 3:9][where] = -1
        np.testing.assert_array_equal(array.crop(0, 20), expected)
    assert not list(tmp_path.iterdir())


def test_zeros(tmp_path):
    with DiskArray(tmp_path, (5, 7), np.int32) as array:
        array.fill_with_zeros()
        array.put(np.ones((1, 2), np.int32), 4, 5)
        assert array.crop(0, 5).sum() == 2
