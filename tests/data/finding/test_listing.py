"""Lists of a folder's files: what is ignored, folders that cannot be listed, and the order of numbers in names."""

from hypothesis import given
from hypothesis import strategies as st

from minunet.data.finding.listing import list_folder, natural_key
from minunet.data.pairs import survey
from tests.data.found_pairs import names, problems
from tests.data.small_pictures import photo, save


def test_files_that_are_not_images_are_ignored(make_set, tmp_path):
    make_set("a")
    for name in (".a.png", "Thumbs.db", "README.md", "a.txt", "._a.png"):
        (tmp_path / "images" / name).write_text("x")
    (tmp_path / "images" / "folder.png").mkdir()
    found = survey(tmp_path)
    assert names(found.pairs) == [("a", "a.png", "a.png", None)]
    assert found.problems == found.warnings == ()


def test_formats_that_are_not_read_are_reported(make_set, tmp_path):
    make_set("a")
    (tmp_path / "images" / "b.webp").write_text("x")
    assert survey(tmp_path).warnings == (
        f"{tmp_path}/images holds 1 file in formats that are not read (.webp), such as b.webp: "
        "convert what belongs to the set to PNG or TIFF.",
    )


def test_empty_folders(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "masks" / "more").mkdir(parents=True)
    assert problems(tmp_path) == [
        f"{tmp_path}/images holds no image files: put PNG, JPEG, BMP or TIFF files directly into it.",
        f"{tmp_path}/masks holds no mask files, only more/: put PNG, JPEG, BMP or TIFF files directly into it.",
    ]
    (tmp_path / "nothing").mkdir()
    inside = tmp_path / "nothing"
    assert problems(inside) == [
        f"{inside} holds no images: put them into {inside}/images and their masks into {inside}/masks."
    ]


def test_missing_path_suggests_a_neighbour(make_set, tmp_path, monkeypatch):
    make_set("a", root=tmp_path / "smears")
    assert problems(tmp_path / "smeers") == [f"{tmp_path}/smeers does not exist: did you mean {tmp_path}/smears."]
    assert problems(tmp_path / "other") == [f"{tmp_path}/other does not exist: check the path."]
    monkeypatch.chdir(tmp_path)
    assert problems("other") == [f"other does not exist: check the path, which starts from {tmp_path}."]
    assert problems("gone/other") == [f"gone/other does not exist: check the path, which starts from {tmp_path}."]


def test_a_file_in_place_of_a_folder(tmp_path):
    file = save(tmp_path / "a.png", photo())
    archive = tmp_path / "set.zip"
    archive.write_bytes(b"PK")
    assert problems(file) == [f"{file} is a file, not a folder: give the folder that holds the images and masks."]
    assert problems(images=archive, masks=tmp_path / "none") == [
        f"{archive} is a file, not a folder: unpack it and give the folder that comes out.",
        f"{tmp_path}/none does not exist: check the path.",
    ]


def test_a_folder_that_may_not_be_read(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(
        "minunet.data.finding.listing.os.scandir", refuse
    )  # root may read everything, so chmod shows nothing
    assert problems(tmp_path) == [f"{tmp_path} may not be read: ask for permission to open this folder."]


@given(st.lists(st.tuples(st.sampled_from("aB"), st.integers(0, 2000)), max_size=8))
def test_natural_order_is_that_of_the_numbers(parts):
    ordered = sorted({f"{letter}{number}x" for letter, number in parts}, key=natural_key)
    assert [(n[0].lower(), int(n[1:-1])) for n in ordered] == sorted((n[0].lower(), int(n[1:-1])) for n in ordered)


def test_natural_key_takes_any_name():
    assert sorted(["b", "10", "a10", "a9", "", "²", "٣", "a9b"], key=natural_key)[0] == ""


def test_a_zarr_is_a_file(tmp_path):
    for name in ("b.zarr", "a.OME.zarr", "plain", "told by its content"):
        (tmp_path / name).mkdir()
    (tmp_path / "told by its content" / ".zgroup").write_text("{}")
    listing = list_folder(tmp_path)
    assert [file.name for file in listing.files] == ["a.OME.zarr", "b.zarr", "told by its content"]
    assert [folder.name for folder in listing.folders] == ["plain"]
    assert [listing.stem(file) for file in listing.files] == ["a", "b", "told by its content"]
