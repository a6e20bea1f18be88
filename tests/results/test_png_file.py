"""PNG files written by rows: what Pillow reads from them, and that it is filtered and compressed as Pillow does it."""

import io

import numpy as np
import pytest
from PIL import Image

from minunet.results.picture import png_bytes
from minunet.results.png_file import PngFile


def picture(kind):
    rng = np.random.default_rng(0)
    shape, dtype, high = {"grey": ((50, 31), np.uint8, 256), "16-bit": ((50, 31), np.uint16, 65536)}.get(
        kind, ((50, 31, 3), np.uint8, 256)
    )
    return np.cumsum(rng.integers(0, high // 50, shape), axis=1).astype(dtype)


@pytest.mark.parametrize("kind", ["grey", "16-bit", "colour"])
@pytest.mark.parametrize("rows", [1, 7, 25, 50, 80])
def test_pictures_are_read_again(kind, rows):
    pixels, file = picture(kind), io.BytesIO()
    png = PngFile(file, len(pixels), 6)
    for top in range(0, len(pixels), rows):
        png.write(pixels[top : top + rows])
    png.finish()
    with Image.open(file) as image:
        np.testing.assert_array_equal(np.asarray(image), pixels)
    whole = png_bytes(pixels, compress_level=6)
    assert len(file.getvalue()) <= len(whole) + 12 * -(-len(pixels) // rows)  # of a chunk


@pytest.mark.parametrize("rows", [3, 50])
def test_a_palette_gives_indices_their_colours(rows):
    indices, file = np.random.default_rng(1).integers(0, 4, (50, 31)).astype(np.uint8), io.BytesIO()
    palette = np.array([[0, 0, 0], [213, 94, 0], [86, 180, 233], [0, 114, 178]], np.uint8)
    png = PngFile(file, 50, 6, palette, {"classes": "Erythrozyt, weiß"})
    for top in range(0, 50, rows):
        png.write(indices[top : top + rows])
    png.finish()
    with Image.open(file) as image:
        assert image.mode == "P" and image.info["classes"] == "Erythrozyt, weiß"
        np.testing.assert_array_equal(np.asarray(image), indices)
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), palette[indices])


def test_all_rows_are_needed():
    png = PngFile(io.BytesIO(), 3)
    png.write(np.zeros((2, 5), np.uint8))
    with pytest.raises(ValueError, match="a picture of 3 rows was given 2"):
        png.finish()
