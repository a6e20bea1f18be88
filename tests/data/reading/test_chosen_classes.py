"""Classes chosen by the masks and by `--classes`: levels, palettes and colours, blurred or not, and what does not fit."""

import io

import numpy as np
import pytest
from PIL import Image

from minunet.data.reading.mask_reading import MaskReading
from minunet.data.reading.stored_mask import StoredMask
from tests.data.reading.class_masks import COLOURS, NAMES, WITH_COLOURS, chosen, class_indices, reading, stored


@pytest.mark.parametrize("values", [(0, 1, 2, 3, 4), (0, 64, 128, 192, 255), (7, 9, 10, 200, 255)])
def test_names_are_in_the_order_of_the_levels(values):
    found = reading(NAMES, stored(values))
    assert [mask_class.name for mask_class in found.classes] == NAMES.split(",")
    assert np.array_equal(found.class_index(stored(values)), class_indices())
    assert np.array_equal(found.cell(stored(values)), class_indices() > 0)
    assert found.share == pytest.approx(np.mean(class_indices() > 0))


def test_a_palette_is_read_by_its_indices_or_by_its_colours():
    mask = stored(palette=np.array(COLOURS, np.uint8))
    for text in (NAMES, WITH_COLOURS):
        assert np.array_equal(reading(text, mask).class_index(mask), class_indices())


def test_colours():
    mask = stored(COLOURS)
    found = reading(WITH_COLOURS, mask)
    assert np.array_equal(found.class_index(mask), class_indices())
    assert "red #ff0000" in found.describe() and "nucleus lies in white" in found.describe()


def test_colours_of_one_channel():
    mask = stored(((0, 0, 0), (90, 0, 0), (160, 0, 0), (255, 0, 0), (40, 0, 0)))
    text = "background=#000000,red=#5a0000,white=#a00000,nucleus=#ff0000,platelet=#280000"
    assert np.array_equal(reading(text, mask).class_index(mask), class_indices())


def test_auto_numbers_the_classes_behind_the_background():
    names = ("background", "class_1", "class_2", "class_3", "class_4")
    for mask in (stored(), stored(COLOURS), stored(palette=np.array(COLOURS, np.uint8))):
        found = reading("auto", mask)
        assert tuple(mask_class.name for mask_class in found.classes) == names
        assert np.array_equal(found.class_index(mask) > 0, class_indices() > 0)
    dark = reading("auto", stored((9, 1, 2, 3, 4)))  # the background is what it looks like, not the lowest value
    assert dark.classes[0].values == "9"


def test_values_are_put_together():
    found = reading("background=0,red=1,white=2+3,platelet=4")
    assert np.array_equal(found.class_index(stored()), np.array([0, 1, 2, 2, 3])[class_indices()])
    assert all(mask_class.lies_in is None for mask_class in found.classes)


def test_a_nucleus_lies_in_the_white_cell():
    lies_in = {mask_class.name: mask_class.lies_in for mask_class in reading().classes}
    assert lies_in == {"background": None, "red": None, "white": None, "nucleus": "white", "platelet": None}
    said = {mask_class.name: mask_class.lies_in for mask_class in reading("a,b,c,d,c/e").classes}
    assert said["e"] == "c" and said["d"] == "c"


def test_ignored_values_are_no_class():
    mask = stored((0, 1, 2, 3, 250))
    found = reading("background,red,white,nucleus", mask, ignore="250")
    expected = np.where(class_indices() == 4, -1, class_indices().astype(int))
    assert np.array_equal(found.class_index(mask), expected)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("background,red", "names 2 classes (background, red), and the masks hold 5 values: 0 (84.9 %)"),
        ("background,red", "--classes background=0,red=1+2+3+4."),
        ("a,b,c,d,e,f", "Name as many classes as there are values"),
        ("background=0,red=1,white=2-3", "names no class for 4"),
        ("background=0,red=1,white=2-3,platelet=4,other=9", "other=9: no mask holds such a value"),
        ("background=0,red=1,white=1-4", "1 belongs to red and to white"),
        ("background=0,red=#ff0000,white=2+3,platelet=4", "red=#ff0000: no mask holds such a value"),
    ],
)
def test_what_does_not_fit_says_which_values_there_are(text, problem):
    found = chosen(text)
    assert found.reading is None and any(problem in sentence for sentence in found.problems)


def test_colours_have_no_order():
    (problem,) = chosen(NAMES, stored(COLOURS)).problems
    assert "give each its colour, such as" in problem and "background=#000000,red=#0000ff," in problem
    assert chosen("background,cell", stored(((255, 255, 255), *[(9, 9, 200)] * 4))).problems == ()


def test_masks_of_one_value_or_of_single_cells():
    flat = StoredMask(np.zeros((8, 8), np.uint8))
    assert "hold one value only" in chosen("background,red", flat).problems[0]
    numbered = StoredMask(class_indices(), is_numbered=True)
    assert "number the cells and have no classes" in chosen("auto", numbered).problems[0]
    many = StoredMask((np.arange(64 * 64) // 16 % 200).reshape(64, 64).astype(np.uint8))
    assert "as if each cell had one of its own" in chosen("auto", many).problems[0]


def test_a_first_class_that_is_no_background_is_noted():
    (note,) = chosen("red,background,white,nucleus,platelet", stored((1, 0, 2, 3, 4))).notes
    assert "the first class, red (0), is the background, and background (1) is most of the pixels" in note


def test_blurred_edges_become_the_class_beside_them():
    sharp = np.repeat(np.repeat(np.array([0, 80, 160, 240, 40], np.uint8)[class_indices()], 3, 0), 3, 1)
    blurred = StoredMask(np.asarray(Image.fromarray(sharp).resize((192, 192), Image.Resampling.BILINEAR)))
    assert len(np.unique(blurred.values)) > 5
    found = chosen("background=0,red=80,white=160,nucleus=240,platelet=40", blurred)
    assert "have values of no class" in found.notes[0]
    nearest = class_indices()[np.arange(192) // 2][:, np.arange(192) // 2]
    assert np.mean(found.reading.class_index(blurred) == nearest) > 0.98


def test_noise_of_jpeg_in_colours():
    table = np.array(COLOURS, np.uint8)
    file = io.BytesIO()
    Image.fromarray(np.kron(table[class_indices()], np.ones((3, 3, 1), np.uint8))).save(file, "JPEG", quality=90)
    noisy = StoredMask(np.asarray(Image.open(file)))
    found = reading("background=#000000,red=#fe0000,white=#00ff01,nucleus=#0000fe,platelet=#ffff00", noisy)
    truth = np.kron(class_indices(), np.ones((3, 3), np.uint8))
    assert np.mean(found.class_index(noisy) == truth) > 0.98


def test_a_reading_with_classes_is_stored_and_older_ones_are_unchanged():
    found = reading()
    assert MaskReading.from_dict(found.to_dict()) == found
    assert "classes" not in MaskReading("levels").to_dict()
    assert found.describe().startswith(
        "levels, 8 bit; 5 classes: background 0, red 1, white 2, nucleus 3, platelet 4; "
    )
