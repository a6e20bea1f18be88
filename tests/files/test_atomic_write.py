"""Files are written whole or not at all."""

import pytest

from minunet.errors import UserError
from minunet.files.atomic_write import replacing, replacing_folder, sweep, utf8, write_bytes, write_text


def test_missing_folders_are_made_and_a_file_is_replaced(tmp_path):
    path = tmp_path / "new" / "a.txt"
    assert write_bytes(path, b"1") == path
    write_text(path, "größe")
    assert path.read_text(encoding="utf-8") == "größe"
    assert list(path.parent.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_bytes(b"half")
        raise RuntimeError
    assert temporary.suffix == ".png"  # for programs that choose the format by the ending
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_the_system_refuses_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match="folder: is a folder where a file is to be written; name a file"):
        (tmp_path / "folder").mkdir()
        write_bytes(tmp_path / "folder", b"")


def test_a_name_that_is_not_utf8_is_escaped():
    assert utf8("gr\udcfcn") == rb"gr\udcfcn"


def test_a_folder_is_replaced_at_the_end_or_stays_as_it_was(tmp_path):
    path = tmp_path / "a.zarr"
    for content in ("old", "new"):
        with replacing_folder(path) as folder:
            folder.mkdir()
            (folder / content).write_text(content)
    assert [file.name for file in path.iterdir()] == ["new"]
    with pytest.raises(RuntimeError), replacing_folder(path) as folder:
        folder.mkdir()
        raise RuntimeError
    assert [file.name for file in tmp_path.rglob("*")] == ["a.zarr", "new"]
    (tmp_path / ".b.77.part.zarr" / "inner").mkdir(parents=True)
    sweep(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["a.zarr"]
