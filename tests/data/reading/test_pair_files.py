"""The image and the mask of a pair, as they are stored."""

import numpy as np
import pytest

from minunet.data.finding.matching import Pair
from minunet.data.reading.pair_files import mask_files, read_image, read_mask
from minunet.errors import UserError
from tests.data.small_pictures import disc, photo, save


@pytest.fixture
def pair(tmp_path):
    return Pair("a", save(tmp_path / "a.png", photo()), save(tmp_path / "a_mask.png", disc()))


def test_image_and_mask(pair):
    np.testing.assert_array_equal(read_image(pair), photo())
    stored = read_mask(pair)
    np.testing.assert_array_equal(stored.values, disc())
    assert stored.shape == disc().shape
    assert mask_files(pair) == [pair.mask]


def test_errors_name_the_file(pair):
    pair.mask.write_bytes(b"")
    with pytest.raises(UserError, match="a_mask.png is empty"):
        read_mask(pair)
