"""Images and masks of a program are written without a change, and what is no image is named by its place."""

import numpy as np
import pytest
from PIL import Image

from minunet.data.given_images import write_array, write_given
from minunet.data.reading.image_files import decode
from minunet.errors import UserError
from minunet.inference.image_array import image_array


@pytest.mark.parametrize("shape", [(7, 9), (7, 9, 1), (7, 9, 2), (7, 9, 3), (7, 9, 4), (7, 9, 5), (3, 3, 3), (1, 1)])
@pytest.mark.parametrize("dtype", ["u1", "u2", ">u2", "u4", "i2", "i8", "f2", "f4", "f8"])
def test_an_array_is_read_back_as_predict_takes_it(tmp_path, shape, dtype):
    array = (np.random.default_rng(0).random(shape) * 200).astype(dtype)
    write_array(array, tmp_path / "x.tif")
    read, taken = decode(tmp_path / "x.tif"), image_array(array)
    assert read.dtype == taken.dtype
    np.testing.assert_array_equal(read, taken)


def test_a_view_of_another_array_is_written_as_it_looks(tmp_path):
    array = np.arange(60, dtype=np.uint8).reshape(6, 10)[::2, ::-1]
    write_array(array, tmp_path / "x.tif")
    np.testing.assert_array_equal(decode(tmp_path / "x.tif"), array)


def test_boolean_masks_become_black_and_white(tmp_path):
    write_array(np.eye(5, dtype=bool), tmp_path / "x.tif")
    np.testing.assert_array_equal(decode(tmp_path / "x.tif"), np.eye(5, dtype=np.uint8) * 255)


def test_arrays_pictures_and_files_get_the_same_names_as_their_masks(tmp_path):
    Image.new("RGB", (8, 6), (1, 2, 3)).save(tmp_path / "photograph.JPG", "JPEG")
    images = [np.zeros((6, 8), np.uint8), Image.new("P", (8, 6)), tmp_path / "photograph.JPG"]
    folders = write_given(images, np.zeros((3, 6, 8), bool), tmp_path / "given")
    names = [sorted(file.name for file in folder.iterdir()) for folder in folders]
    assert names == [["0.tif", "1.png", "2_photograph.jpg"], ["0.tif", "1.tif", "2_photograph.tif"]]
    assert (folders[0] / "2_photograph.jpg").read_bytes() == (tmp_path / "photograph.JPG").read_bytes()


def test_the_order_of_many_images_is_kept(tmp_path):
    images = np.arange(12, dtype=np.uint8)[:, None, None] * np.ones((12, 2, 2), np.uint8)
    folder, _ = write_given(images, images > 3, tmp_path)
    assert [int(decode(file)[0, 0]) for file in sorted(folder.iterdir())] == list(range(12))


@pytest.mark.parametrize(
    "images, masks, message",
    [
        ([np.zeros((4, 5))] * 2, [np.zeros((4, 5))], "2 images and 1 mask were given"),
        ([], [], "no images were given"),
        ([np.zeros((4, 5))], [np.zeros((5, 4))], "image 0 has 5x4 pixels and its mask 4x5"),
        ([np.zeros((3, 8, 8))], [np.zeros((8, 8))], r"image 0: .*channels first; .*np.moveaxis\(array, 0, -1\)"),
        ([None], [np.zeros((8, 8))], "image 0: NoneType is no image"),
        ([np.zeros((8, 8))], ["nowhere.png"], "mask 0: there is no file nowhere.png"),
        ([np.zeros((8, 8))], [np.zeros((0, 8))], r"mask 0: an array of shape \(0, 8\) is no image"),
        ([np.zeros((8, 8), complex)], [np.zeros((8, 8))], "image 0: ndarray is no image"),
        (np.zeros((8, 8)), np.zeros((8, 8)), r"images: an array of shape \(8, 8\).* is no set of images"),
        (Image.new("L", (8, 8)), [np.zeros((8, 8))], "images: give a list"),
        (3, [np.zeros((8, 8))], "images: give a list of arrays"),
        ([[1, "a"]], [np.zeros((8, 8))], "image 0: list is no image"),
    ],
)
def test_what_cannot_be_used_is_named_and_nothing_is_written(tmp_path, images, masks, message):
    with pytest.raises(UserError, match=message):
        write_given(images, masks, tmp_path / "given")
    assert not (tmp_path / "given").exists()


def test_problems_of_one_kind_are_counted(tmp_path):
    with pytest.raises(UserError) as caught:
        write_given([None] * 9, [np.zeros((4, 4))] * 9, tmp_path)
    assert caught.value.problems[-1] == "and 4 more of 9 images that cannot be used."
