"""Image files read by rows: the same pixels as read whole, also for files that are decoded whole, and the same errors."""

import struct

import numpy as np
import pytest
from PIL import Image

from minunet.data.reading import image_rows
from minunet.errors import UserError
from tests.data.reading.pictures_by_rows import IMAGES, assert_same, by_rows, smooth

pytestmark = pytest.mark.usefixtures("every_image_is_large")


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_turned_pictures(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    for name in ("image.tif", "image.jpg"):
        IMAGES["colour"]().save(tmp_path / name, exif=exif)
        assert_same(tmp_path / name)


def test_other_files_are_decoded_whole_and_cut(tmp_path):
    for kind in ("grey", "colour"):
        IMAGES[kind]().save(tmp_path / "image.jpg")
        IMAGES[kind]().save(tmp_path / "image.bmp")
        assert_same(tmp_path / "image.jpg")
        assert_same(tmp_path / "image.bmp")
    Image.fromarray(smooth().astype(np.float32)).save(tmp_path / "float.tif")
    assert_same(tmp_path / "float.tif")


@pytest.mark.parametrize("name", ["image.png", "image.tif"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_files_that_end_early(tmp_path, name, share):
    path = tmp_path / name
    IMAGES["colour"]().save(path)
    data = path.read_bytes()
    if name == "image.tif":  # whose directory is at its end: the pixels are cut out
        directory = struct.unpack("<I", data[4:8])[0]
        assert directory > 0
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(UserError, match=r"image\.(png|tif) .*(truncated|damaged)"):
        by_rows(path)


def test_windows_may_overlap():
    array = smooth()
    rows = image_rows.ImageRows.of_array(array)
    spans = [(0, 10), (3, 30), (3, 31), (29, 67)]
    for (start, stop), window in zip(spans, rows.windows(spans), strict=True):
        np.testing.assert_array_equal(window, array[start:stop])
