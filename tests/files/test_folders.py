"""Whether a folder can be written to, told before anything is computed."""

import os

from minunet.files import folders


def test_a_folder_that_is_there_or_can_be_made(tmp_path):
    assert folders.unwritable(tmp_path) is None
    assert folders.unwritable(tmp_path / "a" / "b") is None


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        assert (
            folders.unwritable(path) == f"{tmp_path / 'file'}: is a file where a folder is needed; name another folder"
        )


def test_no_permission(tmp_path, monkeypatch):
    """Asked of the system, as whoever runs the tests may be allowed everything."""
    monkeypatch.setattr(os, "access", lambda path, mode: mode & os.W_OK == 0)
    assert folders.unwritable(tmp_path / "new") == f"{tmp_path}: no permission to write there; name another folder"


def test_what_is_made_is_taken_away_again_where_it_is_empty(tmp_path):
    made = folders.to_be_made(tmp_path / "a" / "b")
    assert made == [tmp_path / "a" / "b", tmp_path / "a"]
    (tmp_path / "a" / "b").mkdir(parents=True)
    folders.take_away(made)
    assert tmp_path.is_dir() and not (tmp_path / "a").exists()
    assert folders.to_be_made(tmp_path) == []
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "kept").write_text("x")
    folders.take_away(made)
    assert (tmp_path / "a" / "kept").exists() and not (tmp_path / "a" / "b").exists()
