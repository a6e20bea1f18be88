"""Transparency of masks: the numbers of cells are never blended with it, nor with one another."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import tifffile

from minunet.data.reading.open_images import open_image
from minunet.data.reading.stored_mask import stored_mask
from minunet.errors import UserError

NUMBERS = np.zeros((12, 16), int)
NUMBERS[2:6, 2:6], NUMBERS[7:11, 4:12] = 1, 2
INTERLEAVED = {"photometric": "rgb", "planarconfig": "contig"}


def read(path: Path) -> np.ndarray:
    with open_image(path) as file:
        return stored_mask(file).values


def written(path: Path, array: np.ndarray, **options: object) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of stacks as colours, which older versions write unasked
        tifffile.imwrite(path, array, **options)
    return path


@pytest.mark.parametrize("count", (3, 4))
@pytest.mark.parametrize("dtype", (np.uint8, np.uint16))
def test_a_stack_saved_as_one_picture_is_read_only_where_its_pages_are_equal(tmp_path, dtype, count):
    planar = {"photometric": "rgb", "planarconfig": "separate"}
    same = written(tmp_path / "same.tif", np.stack([NUMBERS] * count).astype(dtype), **planar)
    values = read(same)
    assert np.array_equal(values if values.ndim == 2 else values[..., 0], NUMBERS)
    shifted = np.stack([np.roll(NUMBERS, shift, axis=1) for shift in range(count)]).astype(dtype)
    with pytest.raises(UserError, match=rf"other\.tif .* {count} channels .* one after the other.*minisblack"):
        read(written(tmp_path / "other.tif", shifted, **planar))


def test_alpha_that_may_be_numbers_is_refused(tmp_path):
    values = np.stack([np.roll(NUMBERS, shift, axis=1) for shift in range(4)], axis=-1).astype(np.uint16)
    with pytest.raises(UserError, match="last channel of 4 is alpha"):
        read(written(tmp_path / "m.tif", values, **INTERLEAVED, extrasamples=["unassalpha"]))
    grey = values[..., :2]
    with pytest.raises(UserError, match="last channel of 2 is alpha"):
        read(
            written(
                tmp_path / "g.tif", grey, photometric="minisblack", planarconfig="contig", extrasamples=["unassalpha"]
            )
        )


@pytest.mark.parametrize("alpha", (0, 300, 65535))
def test_constant_alpha_of_16_bits_leaves_the_numbers_as_they_are(tmp_path, alpha):
    values = np.stack([NUMBERS] * 3 + [np.full_like(NUMBERS, alpha)], axis=-1).astype(np.uint16)
    assert np.array_equal(
        read(written(tmp_path / "m.tif", values, **INTERLEAVED, extrasamples=["unassalpha"])), NUMBERS
    )


def test_alpha_of_black_and_white_hides_and_may_be_the_mask(tmp_path):
    alpha = np.where(NUMBERS > 0, 65535, 0)
    colour = np.stack([np.full_like(alpha, 200 * 257)] * 2 + [30 * 257 * NUMBERS, alpha], axis=-1).astype(np.uint16)
    values = read(written(tmp_path / "m.tif", colour, **INTERLEAVED, extrasamples=["unassalpha"]))
    assert values[0, 0].tolist() == [0, 0, 0] and values[3, 3].tolist() == [200, 200, 30]
    colour[..., 2] = 0
    assert np.array_equal(read(written(tmp_path / "a.tif", colour, **INTERLEAVED, extrasamples=["unassalpha"])), alpha)


def test_channels_of_16_bits_are_numbers_where_equal_and_else_colours_of_8_bits(tmp_path):
    equal = np.stack([NUMBERS] * 3, axis=-1).astype(np.uint16)
    assert np.array_equal(read(written(tmp_path / "equal.tif", equal, **INTERLEAVED)), NUMBERS)
    colours = (equal * np.array([90, 20, 60]) * 257).astype(np.uint16)
    assert np.array_equal(read(written(tmp_path / "colours.tif", colours, **INTERLEAVED)), colours >> 8)
    with pytest.raises(UserError, match="no colours of 8 bits"):
        read(written(tmp_path / "other.tif", (equal * np.array([1, 2, 3])).astype(np.uint16), **INTERLEAVED))
