"""The folder of a study: which folders are refused, and that a refusal changes nothing."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from minunet.data.pairs import Pair
from minunet.data.split import Split
from minunet.errors import UserError
from minunet.experiments.study_folder import StudyFolder, fingerprint
from minunet.experiments.study_settings import StudySettings


@pytest.fixture
def pairs(tmp_path):
    found = []
    for number in range(3):
        pair = Pair(f"p{number}", tmp_path / f"{number}.png", tmp_path / f"{number}_mask.png")
        Image.fromarray(np.full((4, 4), number, np.uint8)).save(pair.image)
        Image.fromarray(np.full((4, 4), 255, np.uint8)).save(pair.mask)
        found.append(pair)
    return found


def test_a_new_folder_and_that_of_a_lab_are_taken(tmp_path, pairs):
    folder = StudyFolder(tmp_path / "deep" / "study")
    assert folder.problems() == []
    assert not (tmp_path / "deep").exists()
    folder.begin(StudySettings(epochs=3), pairs)
    assert folder.problems() == []
    assert folder.settings() == StudySettings(epochs=3)


def test_a_folder_with_other_files_or_a_file_is_refused(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("1")
    assert "holds other files" in StudyFolder(tmp_path / "thesis").problems()[0]
    assert "--out" in StudyFolder(tmp_path / "thesis" / "chapter.txt").problems()[0]


@pytest.mark.parametrize("change", ["image", "mask", "name", "fewer"])
def test_other_data_is_refused_and_nothing_changed(change, tmp_path, pairs):
    folder = StudyFolder(tmp_path / "study")
    folder.begin(StudySettings(), pairs)
    before = folder.settings_file.read_bytes()
    if change == "name":
        pairs[0] = replace(pairs[0], name="other")
    elif change == "fewer":
        pairs.pop()
    else:
        Image.fromarray(np.full((4, 4), 77, np.uint8)).save(getattr(pairs[1], change))
    with pytest.raises(UserError, match="begun on other data"):
        folder.begin(StudySettings(), pairs)
    assert folder.settings_file.read_bytes() == before


def test_the_same_data_elsewhere_is_the_same(tmp_path, pairs):
    moved = []
    for pair in pairs:
        (tmp_path / "moved").mkdir(exist_ok=True)
        moved.append(
            replace(pair, image=tmp_path / "moved" / pair.image.name, mask=tmp_path / "moved" / pair.mask.name)
        )
        moved[-1].image.write_bytes(pair.image.read_bytes())
        moved[-1].mask.write_bytes(pair.mask.read_bytes())
    assert fingerprint(moved) == fingerprint(pairs)
    folder = StudyFolder(tmp_path / "study")
    folder.begin(StudySettings(data="a"), pairs)
    folder.begin(StudySettings(data="b"), moved)
    assert folder.settings().data == "b"


def test_data_that_comes_later_is_remembered(tmp_path, pairs):
    folder = StudyFolder(tmp_path / "study")
    folder.begin(StudySettings())
    folder.begin(StudySettings(), pairs)
    folder.begin(StudySettings())
    with pytest.raises(UserError, match="other data"):
        folder.begin(StudySettings(), pairs[:2])


def test_the_split_of_the_first_call_stays(tmp_path, pairs):
    folder = StudyFolder(tmp_path / "study")
    folder.begin(StudySettings(), pairs)
    first = Split(*((pair,) for pair in pairs))
    assert folder.split(first) == first
    assert folder.split(Split(*((pair,) for pair in reversed(pairs)))) == first
    folder.as_run().split.write_text("[]")
    with pytest.raises(UserError, match="not a split"):
        folder.split(first)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"settings": {"colour": 3}, "data": null}'])
def test_a_broken_lab_file_is_named(text, tmp_path, pairs):
    folder = StudyFolder(tmp_path / "study")
    folder.begin(StudySettings(), pairs)
    folder.settings_file.write_text(text)
    with pytest.raises(UserError, match=r"lab\.json"):
        folder.settings()
