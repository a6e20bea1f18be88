"""Images with an EXIF orientation and masks without one: read as their sizes tell, and said in a warning."""

import numpy as np
import pytest
from PIL import Image

from minunet.data.finding.matching import Pair
from minunet.data.image_store import ImageStore
from minunet.data.pairs import survey
from minunet.data.reading.pair_files import read_image, read_mask
from minunet.data.reading.pixels import upright
from minunet.data.reading.preprocessing import Preprocessing
from tests.data.small_pictures import disc

KINDS = {"jpg": {"quality": 95}, "png": {}, "tif": {}}


def pair_of(folder, orientation, drawn_on, size=(48, 32), ending="jpg", own=None, name="a"):
    """A disc in an image whose stored pixels have an orientation, and its mask as drawn on the upright view or on those pixels."""
    stored = disc(0, size)
    exif = Image.Exif()
    exif[0x0112] = orientation
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    image, mask = folder / "images" / f"{name}.{ending}", folder / "masks" / f"{name}.png"
    Image.fromarray(stored // 2 + 60).save(image, exif=exif, **KINDS[ending])
    drawn = stored if drawn_on == "stored" else upright(stored, orientation)
    options = {}
    if own:
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = own
    Image.fromarray(drawn).save(mask, **options)
    return Pair(name, image, mask)


def overlap(pair):
    image, mask = read_image(pair), read_mask(pair)
    assert image.shape == mask.shape
    return np.mean((image > 120) == (mask.values > 0))


@pytest.mark.parametrize("ending", KINDS)
@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
@pytest.mark.parametrize("drawn_on", ["view", "stored"])
def test_where_the_sizes_decide(tmp_path, drawn_on, orientation, ending):
    pair = pair_of(tmp_path, orientation, drawn_on, ending=ending)
    assert overlap(pair) == 1
    found = survey(tmp_path).require()
    (warning,) = [text for text in found.warnings if "EXIF" in text]
    how = (
        "before the turn: the masks are turned with the images"
        if drawn_on == "stored"
        else "drawn on the upright images"
    )
    assert warning.startswith("1 image turned by EXIF orientation (") and how in warning
    store = ImageStore([pair], Preprocessing(size=(16, 16)))
    store.load()
    image, mask = store.get(0)
    assert np.corrcoef(image.ravel(), mask.ravel())[0, 1] > 0.9


@pytest.mark.parametrize(("orientation", "size"), [(3, (48, 32)), (2, (48, 32)), (6, (32, 32))])
def test_where_both_fit(tmp_path, orientation, size):
    pair = pair_of(tmp_path, orientation, "view", size=size)
    assert overlap(pair) == 1
    (warning,) = [text for text in survey(tmp_path).require().warnings if "EXIF" in text]
    assert "fit before and after the turn: they are read as drawn on the upright images" in warning
    assert "exiftool -Orientation= FILE" in warning


def test_what_needs_no_word(tmp_path):
    pair_of(tmp_path, 1, "view", name="upright")
    assert overlap(pair_of(tmp_path, 6, "stored", name="both", own=6)) == 1
    assert not [text for text in survey(tmp_path).require().warnings if "EXIF" in text]


def test_a_mask_of_another_size_is_still_a_problem(tmp_path):
    pair = pair_of(tmp_path, 6, "stored")
    Image.fromarray(disc(0, (47, 32))).save(pair.mask)
    (problem,) = survey(tmp_path).problems
    assert "47x32" in problem and "32x48" in problem


def test_the_set_is_summed_up(tmp_path):
    for number in range(3):
        pair_of(tmp_path, 6, "stored", name=f"{number}")
    (warning,) = [text for text in survey(tmp_path).require().warnings if "EXIF" in text]
    assert warning.startswith("3 images turned by EXIF orientation (")
