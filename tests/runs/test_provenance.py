"""Which images a model was trained on: they are recognised in any folder, and never scored as unseen ones."""

import shutil

import numpy as np
import pytest
from PIL import Image

from minunet.data.pairs import Pair, find_pairs
from minunet.errors import UserError
from minunet.files.json_files import write_json
from minunet.runs.provenance import Provenance, describe_sides, select_pairs
from minunet.runs.train_config import TrainConfig

SPLIT = {"train": ["1", "2"], "validation": ["3"], "test": ["4"]}


@pytest.fixture
def data(tmp_path):
    return draw(tmp_path / "data", "1234")


@pytest.fixture
def run(tmp_path, data):
    folder = tmp_path / "run"
    folder.mkdir()
    TrainConfig(data=str(data)).write(folder / "config.json")
    write_json(folder / "split.json", SPLIT)
    return folder


def draw(folder, names, seed=0):
    rng = np.random.default_rng(seed)
    for name in names:
        for kind in ("images", "masks"):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 2, (6, 8), np.uint8) * 255).save(folder / kind / f"{name}.png")
    return folder


def sides(run, data):
    pairs = find_pairs(data)
    return dict(zip((pair.name for pair in pairs), Provenance(run).sides(pairs), strict=True))


KNOWN = {"1": "train", "2": "train", "3": "validation", "4": "test"}


def test_the_files_themselves(run, data):
    assert sides(run, data) == KNOWN
    assert sides(run / "split.json", data) == KNOWN


def test_a_link_to_them(run, data, tmp_path):
    (tmp_path / "link").symlink_to(data)
    assert sides(run, tmp_path / "link") == KNOWN


def test_copies_under_other_names(run, data, tmp_path):
    for kind in ("images", "masks"):
        (tmp_path / "copy" / kind).mkdir(parents=True)
        for name in "1234":
            shutil.copy(data / kind / f"{name}.png", tmp_path / "copy" / kind / f"new{name}.png")
    assert sides(run, tmp_path / "copy") == {f"new{name}": side for name, side in KNOWN.items()}


def test_other_images_of_the_same_names_are_unseen(run, tmp_path):
    assert sides(run, draw(tmp_path / "other", "1234", seed=1)) == dict.fromkeys("1234")


def test_moved_data_are_known_by_name(run, data, tmp_path):
    data.rename(tmp_path / "moved")
    assert sides(run, tmp_path / "moved") == KNOWN


def test_images_added_since_are_unseen(run, data):
    draw(data, "5", seed=9)
    assert sides(run, data) == {**KNOWN, "5": None}


def test_a_run_that_drew_its_own_smears(tmp_path):
    run = tmp_path / "run"
    draw(run / "synthetic", "1234")
    TrainConfig().write(run / "config.json")
    write_json(run / "split.json", SPLIT)
    assert sides(run, run / "synthetic") == KNOWN
    assert sides(run, draw(tmp_path / "other", "1234", seed=1)) == dict.fromkeys("1234")


@pytest.mark.parametrize("text", [None, "{", "[]", '{"data": 3}'])
def test_without_a_usable_configuration_by_name(run, data, text):
    (run / "config.json").unlink()
    if text is not None:
        (run / "config.json").write_text(text)
    assert sides(run, data) == KNOWN


def test_a_configuration_of_another_version(run, tmp_path, data):
    write_json(run / "config.json", {"data": str(data), "size": [1, 1], "attention": True})
    assert sides(run, draw(tmp_path / "other", "1234", seed=1)) == dict.fromkeys("1234")


def test_beside_a_model(run, tmp_path):
    assert Provenance.beside(run / "model.safetensors").path == run / "split.json"
    assert Provenance.beside(tmp_path / "model.safetensors") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "cannot be read"), ("{", "not JSON"), ("[]", "not the split.json"), ("{}", "not the split.json")],
)
def test_bad_split(tmp_path, text, message):
    if text is not None:
        (tmp_path / "split.json").write_text(text)
    with pytest.raises(UserError) as caught:
        Provenance(tmp_path)
    (problem,) = caught.value.problems
    assert str(tmp_path / "split.json") in problem
    assert message in problem


@pytest.mark.parametrize(
    ("side", "names"),
    [(None, "45"), ("unseen", "45"), ("test", "4"), ("train", "12"), ("validation", "3"), ("all", "12345")],
)
def test_selection(run, data, side, names):
    draw(data, "5", seed=9)
    selection = select_pairs(find_pairs(data), Provenance(run), side)
    assert "".join(pair.name for pair in selection.pairs) == names
    assert selection.sides == {**KNOWN, "5": None}
    assert selection.source == str(run / "split.json")


def test_selection_by_the_folders_of_the_data(tmp_path):
    for side, name in (("train", "1"), ("test", "2")):
        draw(tmp_path / "data" / side, name)
    pairs = find_pairs(tmp_path / "data")
    assert [pair.name for pair in select_pairs(pairs, None).pairs] == ["test/2"]
    assert len(select_pairs(pairs, None, "all").pairs) == 2


def test_selection_of_what_nothing_is_known_of(data):
    pairs = find_pairs(data)
    selection = select_pairs(pairs, None)
    assert selection.pairs == pairs
    assert selection.source is None
    with pytest.raises(UserError, match="there is no split.json beside the model"):
        select_pairs(pairs, None, "test")


def test_nothing_left_to_score(run, data, tmp_path):
    seen = [pair for pair in find_pairs(data) if pair.name in "12"]
    with pytest.raises(UserError, match=r"none of the 2 images is left .*2 it was trained on.*--side all"):
        select_pairs(seen, Provenance(run))


def test_sides_are_described_with_their_counts():
    assert describe_sides({**KNOWN, "5": None}) == (
        "2 it was trained on, 1 that chose its best epoch, 1 of its test side, 1 it has not seen"
    )


def test_an_image_that_vanished_meanwhile(run, data):
    pair = Pair("9", data / "images" / "9.png", data / "masks" / "9.png")
    assert Provenance(run).sides([pair]) == [None]
