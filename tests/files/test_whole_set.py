"""Sets that are written completely or not at all, whatever ends the writer."""

import os

import pytest

from minunet.errors import UserError
from minunet.files import whole_set
from minunet.files.whole_set import remove_remains, whole_set_problems, written_whole

PARTS = ("images", "labels", "table.csv")


def write(folder, parts=PARTS):
    with written_whole(folder, PARTS) as draft:
        for part in parts:
            if "." in part:
                (draft / part).write_text("x")
            else:
                (draft / part).mkdir()
                (draft / part / "a.png").write_text("x")


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_part_may_be_missing_and_nothing_else_is_left(tmp_path):
    (tmp_path / "images").mkdir()  # empty: it is replaced
    write(tmp_path, ("images", "table.csv"))
    assert names(tmp_path) == ["images", "images/a.png", "table.csv"]
    assert whole_set_problems(tmp_path, PARTS) == [
        f"{tmp_path}: already holds images, table.csv, and a set is never overwritten; remove it or name another folder."
    ]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError("no"), UserError("no")])
def test_an_error_leaves_nothing(tmp_path, error):
    with pytest.raises(type(error) if isinstance(error, Exception) else error), written_whole(tmp_path, PARTS) as draft:
        (draft / "images").mkdir()
        raise error
    assert names(tmp_path) == []


def test_what_was_moved_before_a_failure_is_removed_again(tmp_path, monkeypatch):
    replace = os.replace

    def full(source, target):
        if str(target).endswith("table.csv"):
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(whole_set.os, "replace", full)
    with pytest.raises(UserError, match="the set could not be written .No space left on device."):
        write(tmp_path)
    assert names(tmp_path) == []


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path):
    draft = tmp_path / ".unfinished-x"
    draft.mkdir()
    (draft / ".moving").write_text("images\nnotes\ntable.csv")  # killed after it had moved images
    (draft / "table.csv").write_text("x")
    for name in ("images", "notes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_text("x")
    assert whole_set_problems(tmp_path, PARTS) == []
    remove_remains(tmp_path, PARTS)
    assert names(tmp_path) == ["notes", "notes/a.png"]  # notes is no part of a set
