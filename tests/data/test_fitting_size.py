"""The size that images get by default, and what is said of one that distorts them or shrinks the cells too much."""

import pytest

from minunet.data.fitting_size import cell_size_warnings, distortion, fitting_size, size_warnings


@pytest.mark.parametrize(
    ("image", "size"),
    [
        ((1600, 1200), (256, 192)),
        ((1200, 1600), (192, 256)),
        ((2048, 2048), (256, 256)),
        ((256, 256), (256, 256)),
        ((128, 128), (128, 128)),
        ((1500, 1000), (288, 192)),
        ((8000, 800), (800, 80)),
        ((24, 20), (24, 20)),  # no multiple of 16 has its aspect
        ((5, 5), (16, 16)),
    ],
)
def test_the_default_has_the_aspect_of_the_images_and_does_not_enlarge_them(image, size):
    assert fitting_size({image: 3}) == size
    assert size_warnings(size, {image: 3}) == []


@pytest.mark.parametrize("aspect", [0.2, 0.5, 0.7, 0.8, 1, 1.1, 1.3, 1.41, 1.6, 1.9, 2.5, 6])
def test_any_aspect_is_kept_within_a_few_percent_and_the_area_does_not_grow(aspect):
    image = round(1500 * aspect**0.5), round(1500 / aspect**0.5)
    width, height = size = fitting_size({image: 1})
    assert width % 16 == height % 16 == 0
    assert 0.6 * 256 * 256 < width * height <= 256 * 256
    assert distortion(image, size) < 0.05


def test_most_images_decide_and_the_network_sets_the_shortest_side():
    assert fitting_size({(1600, 1200): 83, (1944, 1000): 7}) == (256, 192)
    assert min(fitting_size({(300, 200): 5}, least=256)) == 256


def test_a_size_that_distorts_every_image_is_said_with_one_that_does_not():
    (warning,) = size_warnings((256, 256), {(1600, 1200): 9})
    assert "256x256 changes the aspect of every image by 33% (1600x1200)" in warning
    assert "use --size 256x192, or --crop N" in warning
    (warning,) = size_warnings((512, 512), {(1600, 1200): 9})
    assert "use --size 576x432, or --crop N" in warning  # about as large as what was asked for
    assert size_warnings((256, 192), {(1600, 1200): 83, (1944, 1383): 7}) == []  # 5 % for few of them


def test_images_of_several_aspects_can_only_be_cropped():
    (warning,) = size_warnings((256, 192), {(1600, 1200): 4, (1200, 1600): 4})
    assert "4 of 8 images by 78% (1200x1600)" in warning
    assert "use --crop N to train at native resolution" in warning


def test_cells_that_become_too_small_are_said_with_a_size_that_keeps_them():
    sizes = {(1600, 1200): 9}
    assert cell_size_warnings(8.0, (256, 192), sizes) == cell_size_warnings(0, (256, 192), sizes) == []
    (warning,) = cell_size_warnings(4.0, (64, 48), sizes)
    assert "a typical cell is 4.0 pixels wide after resizing to 64x48 (100 in the images)" in warning
    assert "use --size 192x144, or --crop N" in warning
    (warning,) = cell_size_warnings(5.0, (256, 192), {(300, 225): 9})  # the images have no more pixels to give
    assert "use --crop N" in warning
