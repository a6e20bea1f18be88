"""Pictures that are decoded as a whole: refused before that where they would take more memory than is left."""

import numpy as np
import pytest
from PIL import Image

from minunet.data.reading import decoding_memory
from minunet.data.reading.image_files import decode
from minunet.data.reading.open_images import OpenImage
from minunet.data.reading.rows_of_files import open_rows
from minunet.errors import UserError

MB = 10**6


@pytest.fixture
def left(monkeypatch):
    """Every picture is compared with the memory that is left, of which there are so many bytes."""
    monkeypatch.setattr(decoding_memory, "SMALL", 0)
    monkeypatch.setattr("minunet.data.reading.rows_of_files.LARGE", 0)
    return lambda size: monkeypatch.setattr(decoding_memory, "available_memory", lambda: size)


def forbidden(self, image):
    raise AssertionError("this picture was not to be decoded")


KINDS = [("a.jpg", "L", 2), ("a.jpg", "RGB", 6), ("a.bmp", "RGB", 6), ("a.png", "RGBA", 0)]


@pytest.mark.parametrize(("name", "mode", "in_strips"), KINDS)
def test_it_is_refused_with_what_it_would_take(tmp_path, monkeypatch, left, name, mode, in_strips):
    Image.fromarray(np.zeros((100, 200, len(mode)), np.uint8).squeeze()).save(tmp_path / name)
    whole = 20_000 * (4 if mode == "L" else 10)
    left(whole)
    assert decode(tmp_path / name).shape[:2] == (100, 200)
    monkeypatch.setattr(OpenImage, "_load", forbidden)
    left(whole - 1)
    with pytest.raises(UserError) as error:
        decode(tmp_path / name)
    assert "has 200x100 pixels and is decoded as a whole, which takes 0.0 GB of memory, and 0.0 GB are left" in str(
        error.value
    )
    if in_strips:  # only Pillow's own copy is in memory
        left(20_000 * in_strips - 1)
        with pytest.raises(UserError, match="is decoded as a whole"), open_rows(tmp_path / name):
            pass


def test_a_picture_that_is_read_in_parts_is_not_refused(tmp_path, left):
    Image.fromarray(np.zeros((100, 200), np.uint8)).save(tmp_path / "a.png")
    left(0)
    with open_rows(tmp_path / "a.png") as rows:
        assert sum(len(part) for part in rows.windows([(0, 50), (50, 100)])) == 100


@pytest.mark.parametrize("size", [None, 0])
def test_a_small_one_is_decoded_whatever_the_system_says(tmp_path, monkeypatch, size):
    monkeypatch.setattr(decoding_memory, "available_memory", lambda: size)
    Image.fromarray(np.zeros((10, 20), np.uint8)).save(tmp_path / "a.bmp")
    assert decode(tmp_path / "a.bmp").shape == (10, 20)


def test_where_the_system_says_nothing_nothing_is_refused(tmp_path, left):
    left(None)
    Image.fromarray(np.zeros((10, 20), np.uint8)).save(tmp_path / "a.bmp")
    assert decode(tmp_path / "a.bmp").shape == (10, 20)
