"""Folders: whether they can be written to, whether results would mix with data there, and names that are still free."""

import errno
import tempfile

from minunet.files import folders


def test_a_folder_that_exists_or_can_be_made(tmp_path):
    assert folders.unwritable(tmp_path) is None
    assert folders.unwritable(tmp_path / "a" / "b") is None
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        assert (
            folders.unwritable(path) == f"{tmp_path / 'file'}: is a file where a folder is needed; name another folder."
        )


def test_no_permission(tmp_path, monkeypatch):
    """Pretended, because whoever runs the tests may be allowed everything."""

    def refuse(**options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    assert (
        folders.unwritable(tmp_path / "new")
        == f"{tmp_path}: nothing can be written there (Permission denied); name another folder."
    )


def test_results_beside_images_or_masks_are_a_problem(tmp_path):
    (tmp_path / "masks").mkdir()
    data = [tmp_path / "images" / "a.png", tmp_path / "masks"]
    for beside in data:
        folder = tmp_path / beside.name if beside.name == "masks" else beside.parent
        assert folders.mixing_problems("out", [folder / "a_mask.png", tmp_path / "new" / "b.png"], data) == [
            f"--out out: results would mix with the images or masks in {folder}; choose another folder."
        ]
    assert folders.mixing_problems("out", [tmp_path / "a.png", tmp_path / "masks" / "new" / "a.png"], data) == []


def test_a_fresh_folder_is_none_that_exists(tmp_path, monkeypatch):
    monkeypatch.setattr("time.strftime", lambda form: "2025-03-31-142500")
    for name in ("2025-03-31-142500", "2025-03-31-142500-2", "2025-03-31-142500-3"):
        path = folders.fresh_folder(tmp_path)
        assert path == tmp_path / name
        path.mkdir()


def test_folders_that_were_made_are_removed_where_they_are_empty(tmp_path):
    missing = folders.missing_folders(tmp_path / "a" / "b")
    assert missing == [tmp_path / "a" / "b", tmp_path / "a"]
    (tmp_path / "a" / "b").mkdir(parents=True)
    folders.remove_empty(missing)
    assert tmp_path.is_dir() and not (tmp_path / "a").exists()
    assert folders.missing_folders(tmp_path) == []
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "kept").write_text("x")
    folders.remove_empty(missing)
    assert (tmp_path / "a" / "kept").exists() and not (tmp_path / "a" / "b").exists()


def test_files_that_are_there_are_replaced_only_where_the_user_says_so(tmp_path):
    names = ["scores.json", "scores.csv"]
    assert folders.existing_problems(tmp_path / "new", names, overwrite=False) == []
    for count, said in ((1, "scores.json is there already"), (2, "scores.json and scores.csv are there already")):
        (tmp_path / names[count - 1]).write_text("mine")
        (problem,) = folders.existing_problems(tmp_path, names, overwrite=False)
        assert said in problem and "--overwrite" in problem
    assert folders.existing_problems(tmp_path, names, overwrite=True) == []
