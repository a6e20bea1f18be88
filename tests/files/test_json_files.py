"""JSON files: what is written reads back, what JSON has no number for is null, and a bad file is named."""

import pytest

from minunet.errors import UserError
from minunet.files.json_files import read_json, write_json


def test_what_is_written_reads_back(tmp_path):
    value = {"size": [3, 4], "name": "größe 血球", "none": None}
    write_json(tmp_path / "new" / "a.json", value)
    assert read_json(tmp_path / "new" / "a.json") == value


def test_numbers_that_json_does_not_have_are_null(tmp_path):
    write_json(tmp_path / "a.json", {"loss": float("nan"), "rates": (float("inf"), 1.5)})
    assert read_json(tmp_path / "a.json") == {"loss": None, "rates": [None, 1.5]}


@pytest.mark.parametrize(("text", "message"), [(None, "cannot be read .No such file"), ("{", "this is not JSON")])
def test_a_bad_file_is_named(text, message, tmp_path):
    if text is not None:
        (tmp_path / "a.json").write_text(text)
    with pytest.raises(UserError, match=rf"a\.json: {message}"):
        read_json(tmp_path / "a.json")
