"""Files that appear all together, or not at all."""

import os

import pytest

from minunet.files.all_or_none import all_or_none
from minunet.files.atomic_write import replacing_folder, write_bytes


def write_all(paths, content):
    for path in paths:
        write_bytes(path, content, durable=False)


def test_an_interruption_right_after_a_file_has_got_its_name_leaves_none(tmp_path, monkeypatch):
    paths = [tmp_path / name for name in "abc"]
    replace = os.replace
    for last in range(len(paths)):
        left = iter(range(last + 1))

        def replace_some(source, target, left=left, last=last):
            replace(source, target)
            if next(left) == last:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt), all_or_none(paths):
            patch.setattr(os, "replace", replace_some)
            write_all(paths, b"new")
        assert list(tmp_path.iterdir()) == []


def test_files_that_were_there_and_were_not_written_stay(tmp_path):
    paths = [tmp_path / name for name in "abc"]
    write_all(paths, b"old")
    with pytest.raises(ValueError, match="the third"), all_or_none(paths):
        write_all(paths[:2], b"old")
        raise ValueError("the third")
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


def test_folders(tmp_path):
    with pytest.raises(KeyboardInterrupt), all_or_none([tmp_path / "folder", tmp_path / "missing"]):
        with replacing_folder(tmp_path / "folder") as folder:
            folder.mkdir()
            (folder / "part").write_text("content")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_folders_that_were_made_for_them_go_too(tmp_path):
    (tmp_path / "there").mkdir()
    paths = [tmp_path / "new" / "inner" / "a", tmp_path / "there" / "b"]
    with pytest.raises(KeyboardInterrupt), all_or_none(paths):
        write_all(paths, b"new")
        raise KeyboardInterrupt
    assert list(tmp_path.rglob("*")) == [tmp_path / "there"]


def test_all_stay_where_the_block_ends_well(tmp_path):
    paths = [tmp_path / name for name in "abc"]
    with all_or_none(paths):
        write_all(paths, b"new")
    assert all(path.read_bytes() == b"new" for path in paths)
