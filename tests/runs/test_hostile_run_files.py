"""The JSON files of a run or a study with values that no program wrote: refused in a sentence, never a traceback."""

import json

import pytest

from minunet.data.finding.matching import Pair
from minunet.errors import UserError
from minunet.experiments.study_folder import StudyFolder
from minunet.experiments.study_settings import StudySettings
from minunet.files.json_files import read_json
from minunet.runs.history_file import HistoryFile
from minunet.runs.metrics_file import read_metrics
from minunet.runs.provenance import Provenance
from minunet.runs.run_folder import RunFolder
from minunet.runs.split_file import read_split
from minunet.runs.train_config import TrainConfig
from minunet.training.events import COLUMNS

HOSTILE = (
    None,
    True,
    "false",
    "a" * 5000,
    "\0",
    -1,
    1.5,
    10**30,
    -(10**400),
    float("nan"),
    float("inf"),
    [],
    {},
    [[1]],
    {"a": 1},
)


def refused_or_fine(read, path):
    """Whether reading was refused; then in sentences that name the file."""
    try:
        read()
    except UserError as error:
        for problem in error.problems:
            assert problem.startswith(str(path)) and len(problem) < 900 + len(str(path))
        return True
    return False


@pytest.mark.parametrize("kind", [TrainConfig, StudySettings])
def test_settings_of_every_type(kind, tmp_path):
    sound = json.loads(json.dumps(kind().to_dict()))
    path = tmp_path / ("config.json" if kind is TrainConfig else "lab.json")
    count = 0
    for name in sound:
        for value in HOSTILE:
            changed = {**sound, name: value}
            path.write_text(json.dumps(changed if kind is TrainConfig else {"settings": changed, "data": None}))
            read = (lambda: TrainConfig.read(path)) if kind is TrainConfig else StudyFolder(tmp_path).settings
            count += refused_or_fine(read, path)
    assert count > 10 * len(sound)


@pytest.mark.parametrize("value", ["a{99999999999999}", "(" * 5000, "a" * 100_000 + "("])
def test_patterns_that_are_none(value, tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"group": value}))
    assert refused_or_fine(lambda: TrainConfig.read(path), path)


SPLITS = [
    [],
    {},
    {"train": "abc", "validation": ["b"], "test": ["c"]},
    {"train": ["a"], "validation": ["a"], "test": ["c"]},
    {"train": ["a", "a"], "validation": ["b"], "test": ["c"]},
    {"train": ["a"], "validation": ["b"], "test": []},
    {"train": ["a"], "validation": ["b"], "test": [1]},
    {"train": ["a"], "validation": ["b"], "test": [["c"]]},
    {"train": ["a"], "validation": ["b"], "test": {"c": 1}},
    {"train": ["a"], "validation": ["b"]},
]


@pytest.mark.parametrize("split", SPLITS, ids=repr)
def test_splits_that_are_none(split, tmp_path):
    pairs = [Pair(name, tmp_path / f"{name}.png", tmp_path / f"{name}_mask.png") for name in "abc"]
    path = tmp_path / "split.json"
    path.write_text(json.dumps(split))
    assert refused_or_fine(lambda: read_split(RunFolder(tmp_path), pairs), path)
    assert refused_or_fine(lambda: Provenance(path), path)


@pytest.mark.parametrize(
    "metrics",
    [
        [],
        {},
        {"epochs": "3"},
        {"epochs": True},
        {"epochs": 3, "best_epoch": 4},
        {"epochs": 3, "test": {"dice": "0.9"}},
        {"epochs": 3, "test": []},
        {"epochs": 3, "test": {"dice": float("inf")}},
        {"epochs": 3, "test_images": [1]},
        {"epochs": 3, "test_images": [{"name": 1}]},
        {"epochs": 3, "seconds": "long"},
    ],
)
def test_scores_that_are_none(metrics, tmp_path):
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps(metrics))
    assert refused_or_fine(lambda: read_metrics(path, "epochs"), path)


@pytest.mark.parametrize("text", ["[" * 100_000, "1" * 5000, "\xff", '{"a": }', ""])
def test_what_is_no_json(text, tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(text.encode("latin-1"))
    assert refused_or_fine(lambda: read_json(path), path)


@pytest.mark.parametrize("data", [[], {"pairs": "3"}, {"pairs": 3}, {"pairs": True, "fingerprint": "a"}, 5])
def test_studies_of_data_that_are_none(data, tmp_path):
    path = tmp_path / "lab.json"
    path.write_text(json.dumps({"settings": {}, "data": data}))
    assert refused_or_fine(StudyFolder(tmp_path).settings, path)


@pytest.mark.parametrize(
    ("place", "text"),
    [(0, "step"), (0, "2"), (0, "1.0"), (1, "many"), (2, ""), (15, "yes"), (15, "2"), (5, "a" * 5000), (3, "\0")],
)
def test_histories_that_are_none(place, text, tmp_path):
    path, row = tmp_path / "history.csv", ["1", "2", *["0.5"] * 13, "1"]
    path.write_text(",".join(COLUMNS) + "\n" + ",".join(row) + "\n")
    assert HistoryFile(path).read()[0].best
    row[place] = text
    path.write_text(",".join(COLUMNS) + "\n" + ",".join(row) + "\n")
    assert refused_or_fine(HistoryFile(path).read, path)
    for whole in ("", "epoch\n1\n", ",".join(COLUMNS) + "\n1,2\n", "\xff"):
        path.write_bytes(whole.encode("latin-1"))
        assert refused_or_fine(HistoryFile(path).read, path)
