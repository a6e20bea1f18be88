"""One name in two spellings of Unicode, as of files that went through macOS, is one name."""

import unicodedata

import pytest
from PIL import Image

from minunet.data.pairs import find_pairs
from minunet.errors import UserError

NAME = "größe é"
WHOLE, IN_PARTS = (unicodedata.normalize(form, NAME) for form in ("NFC", "NFD"))


def draw(path):
    path.parent.mkdir(exist_ok=True)
    Image.new("L", (2, 2)).save(path)


@pytest.mark.parametrize(("image", "mask"), [(WHOLE, IN_PARTS), (IN_PARTS, WHOLE), (IN_PARTS, IN_PARTS)])
@pytest.mark.parametrize(
    "layout",
    [("images/{}.png", "masks/{}.png"), ("{}.bmp", "{}_mask.png"), ("{}.bmp", "{}.png")],
)
def test_an_image_finds_its_mask(layout, image, mask, tmp_path):
    files = [tmp_path / place.format(name) for place, name in zip(layout, (image, mask), strict=True)]
    for file in files:
        draw(file)
    (pair,) = find_pairs(tmp_path)
    assert (pair.name, pair.image, pair.mask) == (WHOLE, *files)


def test_both_spellings_in_one_folder_are_a_clash(tmp_path):
    for name in (f"images/{WHOLE}.png", f"images/{IN_PARTS}.png", f"masks/{WHOLE}.png"):
        draw(tmp_path / name)
    if len(list((tmp_path / "images").iterdir())) == 1:
        pytest.skip("this disk holds them for one name itself")
    with pytest.raises(UserError, match="are images of the same name"):
        find_pairs(tmp_path)
