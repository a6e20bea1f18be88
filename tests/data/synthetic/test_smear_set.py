"""A set of smears on disk: its files; a longer set begins with the shorter; it is written completely or not at all."""

import csv
import os

import numpy as np
import pytest
from PIL import Image

from minunet.data.synthetic import draw_smear, set_problems, smear_set, write_set
from minunet.errors import UserError

SIZE = (48, 40)


def read(path):
    with Image.open(path) as picture:
        return picture.mode, np.asarray(picture)


def test_a_set_holds_the_smears_their_masks_and_their_cells(tmp_path):
    names = write_set(tmp_path / "a" / "set", 3, SIZE, seed=4)
    folder = tmp_path / "a" / "set"
    assert names == ["smear_0000", "smear_0001", "smear_0002"]
    assert sorted(path.name for path in folder.iterdir()) == ["cells.csv", "classes", "images", "instances", "masks"]
    with open(folder / "cells.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for index, name in enumerate(names):
        smear = draw_smear(np.random.default_rng([4, index]), SIZE)
        mode, image = read(folder / "images" / f"{name}.png")
        assert mode == "RGB" and np.array_equal(image, smear.image)
        mode, mask = read(folder / "masks" / f"{name}.png")
        assert mode == "L" and np.array_equal(mask, smear.mask * np.uint8(255))
        mode, instances = read(folder / "instances" / f"{name}.png")
        assert mode.startswith("I;16") and np.array_equal(instances, smear.instances)
        mode, classes = read(folder / "classes" / f"{name}.png")
        assert mode == "P" and np.array_equal(classes, smear.classes)
        cells = [row for row in rows if row["image"] == name]
        assert [int(row["instance"]) for row in cells] == list(smear.kinds)
        for row in cells:
            number = int(row["instance"])
            assert (row["kind"], row["shape"]) == (smear.kinds[number], smear.shapes[number])
            assert int(row["pixels"]) == np.count_nonzero(smear.instances == number)


def test_a_longer_set_begins_with_the_shorter(tmp_path):
    short, long = write_set(tmp_path / "short", 2, SIZE), write_set(tmp_path / "long", 4, SIZE)
    assert long[:2] == short
    for part in ("images", "masks", "instances", "classes"):
        for name in short:
            one, other = (tmp_path / length / part / f"{name}.png" for length in ("short", "long"))
            assert one.read_bytes() == other.read_bytes()


def test_a_set_is_never_overwritten(tmp_path):
    write_set(tmp_path, 1, SIZE)
    before = (tmp_path / "images" / "smear_0000.png").read_bytes()
    with pytest.raises(
        UserError, match="already holds images, masks, instances, classes, cells.csv.*remove it or name another"
    ):
        write_set(tmp_path, 1, SIZE, seed=1)
    assert (tmp_path / "images" / "smear_0000.png").read_bytes() == before


def test_every_problem_is_reported_at_once(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "mine.png").write_bytes(b"x")
    with pytest.raises(UserError) as caught:
        write_set(tmp_path, 0, (200, 9), seed=-1)
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        str(tmp_path),
        "count 0",
        "size 200x9",
        "seed -1",
    ]


def test_empty_folders_of_those_names_are_used(tmp_path):
    (tmp_path / "images").mkdir()
    assert set_problems(tmp_path) == []
    assert write_set(tmp_path, 1, SIZE) == ["smear_0000"]
    assert (tmp_path / "images" / "smear_0000.png").exists()


@pytest.mark.parametrize("existing", [True, False])
def test_an_interrupted_set_leaves_nothing(tmp_path, monkeypatch, existing):
    folder = tmp_path / "deep" / "set"
    if existing:
        folder.mkdir(parents=True)
        (folder / "notes.txt").write_text("mine")
    calls = []

    def interrupted(rng, size, variety, diameter):
        calls.append(size)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return draw_smear(rng, size, variety, diameter)

    monkeypatch.setattr(smear_set, "draw_smear", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_set(folder, 5, SIZE)
    assert len(calls) == 3
    left = sorted(path.name for path in tmp_path.rglob("*"))
    assert left == (["deep", "notes.txt", "set"] if existing else [])


def test_a_disk_that_fails_is_one_sentence_and_leaves_nothing(tmp_path, monkeypatch):
    replace = os.replace

    def full(source, target):
        if str(target).endswith("instances"):
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(smear_set.os, "replace", full)
    with pytest.raises(UserError, match="set: the set could not be written .No space left on device."):
        write_set(tmp_path / "set", 1, SIZE)
    assert list(tmp_path.iterdir()) == []


def test_a_progress_bar_is_shown_where_it_is_asked_for(tmp_path, capsys):
    write_set(tmp_path / "quiet", 1, SIZE)
    assert capsys.readouterr().err == ""
    write_set(tmp_path / "with bar", 2, SIZE, progress=True)
    assert "2/2" in capsys.readouterr().err
