"""Which images the gallery of a report shows."""

from pathlib import Path

from minunet.data.finding.input_images import InputImage
from minunet.runs.prediction_gallery import chosen_images

IMAGES = [InputImage(Path(f"{number}.png"), str(number)) for number in range(100)]


def names(images, noted=(), pixels=lambda image: 1000):
    return [image.name for image in chosen_images(images, noted, pixels)]


def test_images_are_evenly_spaced():
    assert names(IMAGES[:5]) == ["0", "1", "2", "3", "4"]
    assert names(IMAGES) == ["0", "14", "28", "42", "57", "71", "85", "99"]
    assert names([]) == []


def test_some_with_notes_are_among_them():
    found = names(IMAGES, {"1", "2", "3", "4", "5", "6"})
    assert found[1:5] == ["1", "2", "3", "4"] and len(found) == 8
    assert names(IMAGES[:10], {image.name for image in IMAGES}) == [str(number) for number in range(8)]


def test_of_large_images_there_are_fewer():
    assert len(names(IMAGES, pixels=lambda image: 5_000_000)) == 4
    assert len(names(IMAGES, pixels=lambda image: 30_000_000)) == 2


def test_images_that_have_gone_or_are_too_large_are_left_out():
    assert names(IMAGES[:3], pixels=lambda image: 0 if image.name == "1" else 10) == ["0", "2"]
