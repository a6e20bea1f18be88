"""warnings.json, as it is written and read."""

import json

import pytest

from minunet.errors import UserError
from minunet.runs.warnings_file import read_warnings, write_warnings
from minunet.training.watch_record import TrainingWarning

WARNINGS = [TrainingWarning("stuck", 5, "the loss stays"), TrainingWarning("over-fitting", 9, "by heart")]


def test_warnings_are_a_list_of_records(tmp_path):
    path = tmp_path / "warnings.json"
    write_warnings(path, WARNINGS)
    assert json.loads(path.read_text())[1] == {"kind": "over-fitting", "epoch": 9, "message": "by heart"}
    assert read_warnings(path) == WARNINGS


def test_a_run_of_an_older_version_has_none(tmp_path):
    assert read_warnings(tmp_path / "warnings.json") == []


@pytest.mark.parametrize("text", ["{}", "[1]", '[{"kind": "x", "epoch": 1, "message": ""}]', "[", "null"])
def test_anything_else_is_refused_by_name(tmp_path, text):
    path = tmp_path / "warnings.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"warnings\.json: th"):
        read_warnings(path)
