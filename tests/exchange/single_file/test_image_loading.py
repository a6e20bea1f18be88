"""Images that a script reads with Pillow alone: the numbers that the package reads, and a sentence for every bad file."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from minunet.data.reading.image_files import decode
from minunet.errors import UserError
from minunet.exchange.single_file.image_loading import images_in, load_image

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (9, 13, 3), np.uint8)
DEEP = RNG.integers(0, 65536, (9, 13, 3)).astype(np.uint16)


FILES = [f"{mode} png" for mode in ("L", "LA", "RGB", "RGBA", "P", "1", "I;16")]
FILES += [f"{mode} tif" for mode in ("L", "RGB", "RGBA", "CMYK", "I;16", "F")] + ["L jpg", "RGB jpg", "RGB bmp"]


@pytest.mark.parametrize("file", FILES)
def test_pixels_are_those_of_the_package(tmp_path, file):
    mode, ending = file.split()
    path = tmp_path / f"image.{ending}"
    (Image.fromarray(DEEP[..., 0]) if mode == "I;16" else Image.fromarray(COLOUR).convert(mode)).save(path)
    pixels, expected = load_image(path), decode(path)
    assert pixels.dtype == expected.dtype and np.array_equal(pixels, expected)


def test_colours_of_16_bits_and_an_orientation_are_kept(tmp_path):
    path = tmp_path / "deep.tif"
    tifffile.imwrite(path, DEEP, photometric="rgb", extratags=[(274, "H", 1, 6, True)])
    pixels, expected = load_image(path), decode(path)
    assert pixels.dtype == np.uint16 and pixels.shape == (13, 9, 3) and np.array_equal(pixels, expected)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is not an image that is read here"),
        (b"no picture", "is not an image that is read here"),
        ("cut", "cannot be read|is damaged"),
        ("channels", "it is a TIFF whose numbers are not read here"),
        ("not finite", "not a number"),
    ],
)
def test_a_bad_file_is_named(tmp_path, content, sentence):
    path = tmp_path / "bad.tif"
    if content == "cut":
        path = tmp_path / "bad.png"
        Image.fromarray(RNG.integers(0, 256, (64, 64, 3), np.uint8)).save(path)
        path.write_bytes(path.read_bytes()[:5000])
    elif content == "channels":
        tifffile.imwrite(path, RNG.integers(0, 9, (8, 8, 2)).astype(np.uint8), photometric="minisblack", planarconfig=1)
    elif content == "not finite":
        Image.fromarray(np.full((4, 4), np.nan, np.float32)).save(path)
    else:
        path.write_bytes(content)
    with pytest.raises(UserError, match=sentence) as raised:
        load_image(path)
    assert "bad" in str(raised.value)


def test_a_folder_gives_its_images_and_those_of_its_sub_folders(tmp_path):
    for name in ("b.png", "a.JPG", "notes.txt", "deeper/c.tiff", ".hidden/d.png", ".e.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [str(path.relative_to(tmp_path)) for path in images_in(tmp_path)] == ["a.JPG", "b.png", "deeper/c.tiff"]
