"""The pictures of a report, and the two colours of its error maps."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from minunet.results.report.report_pictures import (
    ADDED,
    MISSED,
    ShownImage,
    error_map,
    relative_link,
    report_picture,
    shown_size,
)


def decoded(picture):
    data = picture.source.removeprefix("data:image/jpeg;base64,")
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        return np.asarray(image)


def test_errors_have_two_colours_and_what_counts_nowhere_has_none():
    mask = np.array([[1, 1, 0, 0, -1, -1]], np.float32)
    predicted = np.array([[True, False, True, False, True, False]])
    pixels, missed, added = error_map(np.full((1, 6), 100, np.uint8), mask, predicted)
    assert tuple(pixels[0, 1]) == MISSED and tuple(pixels[0, 2]) == ADDED
    right = {tuple(pixels[0, place].tolist()) for place in (0, 3, 4, 5)}
    assert right == {(185, 185, 185)}  # the image, paler
    assert missed == added == pytest.approx(1 / 6)


# How the cones of a person without red or without green ones respond: Vienot, Brettel and Mollon (1999), in linear RGB.
PROTAN = np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]])
DEUTAN = np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]])


@pytest.mark.parametrize("matrix", [np.eye(3), PROTAN, DEUTAN])
def test_the_colours_of_errors_differ_for_the_colour_blind(matrix):
    first, second, grey = (matrix @ (np.array(colour) / 255) ** 2.2 for colour in (MISSED, ADDED, (185, 185, 185)))
    assert np.abs(first - second).max() > 0.25
    assert np.abs(first - grey).max() > 0.25 and np.abs(second - grey).max() > 0.25


def test_what_is_shown_of_an_image():
    image = np.full((30, 40, 3), 200, np.uint8)
    probability = np.zeros((30, 40), np.float32)
    probability[:, 20:] = 1
    titles = ["image", "mask", "prediction", "image × prediction", "outlines", "errors"]
    pictures = ShownImage("a", image, probability, np.ones((30, 40), np.float32)).pictures()
    assert [picture.title for picture in pictures] == titles
    assert all("a" in picture.alt for picture in pictures)
    by_title = dict(zip(titles, map(decoded, pictures), strict=True))
    assert by_title["mask"].min() > 250
    assert by_title["prediction"][:, :15].max() < 10 and by_title["prediction"][:, 25:].min() > 245
    assert by_title["image × prediction"][:, :15].max() < 10
    assert np.abs(by_title["errors"][5, 5].astype(int) - MISSED).max() < 12
    assert "50.0 % of the pixels are cell and were missed" in pictures[-1].alt
    without = ShownImage("a", image, probability).pictures()
    assert [picture.title for picture in without] == [titles[0], *titles[2:5]]


def test_classes_have_pictures_of_their_own():
    true, found = (np.full((30, 40, 3), value, np.uint8) for value in (10, 200))
    image = ShownImage("a", true, np.zeros((30, 40), np.float32), np.zeros((30, 40)), classes=(true, found))
    *_, first, second = image.pictures()
    assert (first.title, second.title) == ("true classes", "predicted classes")
    assert decoded(first).max() < 15 and decoded(second).min() > 195


def test_pictures_are_shrunk_and_never_enlarged():
    assert shown_size(4200, 420) == (420, 42)
    assert shown_size(100, 5600) == (10, 560)
    assert shown_size(30, 40) == (30, 40)
    assert shown_size(100_000, 1) == (420, 1)
    picture = report_picture("a", np.zeros((1200, 840), np.uint8), "b")
    assert (picture.width, picture.height) == (392, 560)
    assert decoded(picture).shape == (560, 392)


@pytest.mark.parametrize(
    "name", ["a.png", "javascript:alert(1)", "//host/a.png", "http://host/a.png", "a?b#c.png", "\udcfc.png", 'a"b']
)
def test_no_name_is_an_address(name):
    link = relative_link(name)
    assert link.startswith("./") and not set(link) & set(':?#"<> ')
