"""Images and masks that match by name, also in two Unicode forms of it, and names that do not."""

import unicodedata

import pytest
from PIL import Image

from minunet.data.pairs import find_pairs
from minunet.errors import UserError
from tests.data.found_pairs import names, problems
from tests.data.small_pictures import disc, photo, save

NAME = "größe é"
WHOLE, IN_PARTS = (unicodedata.normalize(form, NAME) for form in ("NFC", "NFD"))


def test_an_image_named_like_a_mask_keeps_its_own_mask(tmp_path):
    for name in ("a", "a_mask"):
        save(tmp_path / "images" / f"{name}.png", photo())
        save(tmp_path / "masks" / f"{name}.png", disc())
    assert names(find_pairs(tmp_path)) == [("a", "a.png", "a.png", None), ("a_mask", "a_mask.png", "a_mask.png", None)]


def test_one_never_matches_ten(tmp_path):
    save(tmp_path / "images" / "1.png", photo())
    save(tmp_path / "masks" / "10.png", disc())
    assert problems(tmp_path) == [
        f"{tmp_path}/images/1.png has no mask: add {tmp_path}/masks/1.png or take the image out.",
        f"{tmp_path}/masks/10.png has no image: add the image of that name or take the mask out.",
    ]


def test_nearly_equal_names_are_pointed_out(tmp_path):
    save(tmp_path / "images" / "Cell-07.png", photo())
    save(tmp_path / "masks" / "cell_7.png", disc())
    assert problems(tmp_path)[0] == (
        f"{tmp_path}/images/Cell-07.png has no mask, but cell_7.png is named almost alike: rename one like the other."
    )


def test_no_name_in_common_is_one_sentence(tmp_path):
    for i in range(8):
        save(tmp_path / "images" / f"image {i}.png", photo())
        save(tmp_path / "masks" / f"gt {i + 20}.png", disc())
    assert problems(tmp_path) == [
        f"8 images and 8 masks share no name ({tmp_path}/images/image 0.png, {tmp_path}/images/image 1.png and 6 more; "
        f"{tmp_path}/masks/gt 20.png, {tmp_path}/masks/gt 21.png and 6 more): give each mask the name of its image."
    ]


def test_same_stem_twice_names_both(make_set, tmp_path):
    make_set("a")
    save(tmp_path / "images" / "a.jpg", photo())
    save(tmp_path / "masks" / "a_mask.png", disc())
    assert problems(tmp_path) == [
        f"{tmp_path}/images/a.jpg and {tmp_path}/images/a.png are images of the same name: keep one of them or rename the "
        "other.",
        f"{tmp_path}/masks/a.png and {tmp_path}/masks/a_mask.png are both masks of {tmp_path}/images/a.jpg: keep one of "
        "them.",
    ]


def draw(path):
    path.parent.mkdir(exist_ok=True)
    Image.new("L", (2, 2)).save(path)


@pytest.mark.parametrize(("image", "mask"), [(WHOLE, IN_PARTS), (IN_PARTS, WHOLE), (IN_PARTS, IN_PARTS)])
@pytest.mark.parametrize(
    "layout",
    [("images/{}.png", "masks/{}.png"), ("{}.bmp", "{}_mask.png"), ("{}.bmp", "{}.png")],
)
def test_two_unicode_forms_of_a_name_are_one_name(layout, image, mask, tmp_path):
    files = [tmp_path / place.format(name) for place, name in zip(layout, (image, mask), strict=True)]
    for file in files:
        draw(file)
    (pair,) = find_pairs(tmp_path)
    assert (pair.name, pair.image, pair.mask) == (WHOLE, *files)


def test_both_forms_of_a_name_in_one_folder_are_a_problem(tmp_path):
    for name in (f"images/{WHOLE}.png", f"images/{IN_PARTS}.png", f"masks/{WHOLE}.png"):
        draw(tmp_path / name)
    if len(list((tmp_path / "images").iterdir())) == 1:
        pytest.skip("this file system treats them as one name")
    with pytest.raises(UserError, match="are images of the same name"):
        find_pairs(tmp_path)
