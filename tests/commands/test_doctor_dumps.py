"""The dump of masks of every kind equals the truth that they were drawn from: cells, ignored pixels, and their numbers."""

import json

import numpy as np
import pytest
import tifffile
from PIL import Image

from minunet import doctor
from tests.data.reading.mask_sets import drawn_labels

COUNT = 3
LABELS = [drawn_labels(seed) for seed in range(COUNT)]
RNG = np.random.default_rng(0)
COLOURS = RNG.integers(30, 220, (64, 3), dtype=np.uint8)
PALETTE = [0, 0, 0, 128, 0, 0, 0, 128, 0, *[0] * 756, 224, 224, 192][: 256 * 3]


def cells(labels):
    return labels > 0


def border(labels):
    """A ring of two pixels around each cell."""
    wide = np.zeros(labels.shape, bool)
    for down in range(-2, 3):
        for right in range(-2, 3):
            wide |= np.roll(np.roll(labels > 0, down, 0), right, 1)
    return wide & (labels == 0)


def png(path, array, **options):
    Image.fromarray(array).save(path.with_suffix(".png"), **options)


def voc(path, labels):
    picture = Image.fromarray(np.where(border(labels), 255, labels > 0).astype(np.uint8))
    picture.putpalette(PALETTE)
    picture.save(path.with_suffix(".png"))


def coloured(path, labels):
    colours = np.concatenate([np.full((1, 3), 255, np.uint8), COLOURS])
    png(path, colours[labels])


KINDS = {  # how a mask is stored, the flags, whether cells are numbered
    "white cells": (lambda path, labels: png(path, cells(labels) * np.uint8(255)), [], False),
    "black cells on white": (lambda path, labels: png(path, (labels == 0) * np.uint8(255)), ["--invert-masks"], False),
    "0 and 1": (lambda path, labels: png(path, cells(labels).astype(np.uint8)), [], False),
    "numbered, 8 bit": (lambda path, labels: png(path, labels.astype(np.uint8)), [], True),
    "numbered by 25, 16 bit": (lambda path, labels: png(path, (labels * 25).astype(np.uint16)), [], True),
    "numbered, 32 bit": (
        lambda path, labels: tifffile.imwrite(path.with_suffix(".tif"), (labels * 70_000).astype(np.uint32)),
        [],
        True,
    ),
    "a boolean TIFF": (lambda path, labels: tifffile.imwrite(path.with_suffix(".tif"), cells(labels)), [], False),
    "a palette with an ignored border": (voc, [], False),
    "one colour a cell on white": (coloured, [], True),
    "levels that the user chooses": (
        lambda path, labels: png(path, np.where(border(labels), 128, np.where(cells(labels), 255, 0)).astype(np.uint8)),
        ["--cell", "255", "--ignore", "128"],
        False,
    ),
}
IGNORING = ("a palette with an ignored border", "levels that the user chooses")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_dumped_is_the_truth(tmp_path, capsys, kind):
    store, flags, numbered = KINDS[kind]
    data, out = tmp_path / "data", tmp_path / "seen"
    for part in ("images", "masks"):
        (data / part).mkdir(parents=True)
    for number, labels in enumerate(LABELS):
        noise = np.random.default_rng(number).integers(0, 40, labels.shape)
        png(data / "images" / f"m{number}", (200 - 120 * cells(labels) + noise).astype(np.uint8))
        store(data / "masks" / f"m{number}", labels)
    code = doctor.main([str(data), "--dump", str(out), "--json", *flags])
    found = json.loads(capsys.readouterr().out)
    assert code < 2, found["problems"]
    assert (out / "labels").exists() == numbered == found["cells"]["numbered"]
    assert found["cells"]["count"] == sum(labels.max() for labels in LABELS)
    for number, labels in enumerate(LABELS):
        truth = np.where(cells(labels), 255, np.where(border(labels) & (kind in IGNORING), 128, 0))
        np.testing.assert_array_equal(np.asarray(Image.open(out / "masks" / f"m{number}.png")), truth)
        if numbered:
            dumped = np.asarray(Image.open(out / "labels" / f"m{number}.png"))
            assert dumped.dtype == np.uint16
            assert len(np.unique(np.stack([dumped, labels]).reshape(2, -1), axis=1).T) == labels.max() + 1
            np.testing.assert_array_equal(dumped > 0, labels > 0)


def test_masks_that_can_be_read_in_several_ways_are_a_problem_with_the_commands(tmp_path, capsys):
    data, out = tmp_path / "it's data", tmp_path / "seen"
    for part in ("images", "masks"):
        (data / part).mkdir(parents=True)
    for number, labels in enumerate(LABELS):
        png(data / "images" / f"m{number}", (200 - 120 * cells(labels)).astype(np.uint8))
        png(data / "masks" / f"m{number}", np.where(border(labels), 100, 200 * cells(labels)).astype(np.uint8))
    assert doctor.main([str(data), "--dump", str(out), "--json"]) == 2
    found = json.loads(capsys.readouterr().out)
    (problem,) = found["problems"]
    assert problem.count("python -m minunet.train") == 4  # both values, one of them, the other ignored, or two classes
    assert problem.count("--cell") >= 2
    assert found["command"] is None
    assert found["reading"] is None
    assert not out.exists()
