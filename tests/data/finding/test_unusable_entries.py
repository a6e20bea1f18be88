"""Entries of folders that are no image files (links in a circle, pipes, sockets): each concerns itself only."""

import os

import pytest

from minunet.data.finding.input_images import find_input_images
from minunet.data.finding.listing import list_folder
from minunet.data.pairs import survey
from minunet.data.reading.image_files import decode
from minunet.errors import UserError
from tests.data.small_pictures import photo, save


@pytest.fixture
def folder(tmp_path):
    """A picture, a link to itself, a link to nothing, a pipe, an empty file and a folder, all with names of pictures."""
    save(tmp_path / "a.png", photo())
    (tmp_path / "circle.png").symlink_to(tmp_path / "circle.png")
    (tmp_path / "nothing.png").symlink_to(tmp_path / "gone.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "empty.png").write_bytes(b"")
    save(tmp_path / "folder.png" / "b.png", photo())
    return tmp_path


def test_a_folder_with_them_is_listed(folder):
    listing = list_folder(folder)
    assert not listing.problems
    assert [path.name for path in listing.files] == ["a.png", "circle.png", "empty.png", "nothing.png", "pipe.png"]
    assert [path.name for path in listing.folders] == ["folder.png"]


def test_each_is_an_input_of_its_own(folder):
    names = [image.name for image in find_input_images([folder]).images]
    assert names == ["a", "circle", "empty", "nothing", "pipe", "folder.png/b"]


def test_what_is_wrong_with_each(folder):
    def problem(name):
        with pytest.raises(UserError) as caught:
            decode(folder / name)
        return caught.value.problems[0].removeprefix(f"{folder}/")

    assert problem("circle.png").startswith("circle.png cannot be read (Too many levels of symbolic links)")
    assert problem("nothing.png").startswith("nothing.png is a link to something that does not exist")
    assert problem("pipe.png").startswith("pipe.png cannot be read (it is a named pipe, not a file)")
    assert problem("empty.png") == "empty.png is empty (0 bytes): copy or export it again."
    assert problem("folder.png") == "folder.png is a folder where an image file is expected: give a file in it."


def test_a_data_set_with_them_has_a_problem_for_each(folder, tmp_path_factory):
    masks = tmp_path_factory.mktemp("masks")
    for path in list_folder(folder).files:
        save(masks / path.name, photo())
    problems = survey(images=folder, masks=masks).problems
    assert {
        name for problem in problems for name in ("circle", "nothing", "pipe", "empty") if f"{name}.png " in problem
    } == {
        "circle",
        "nothing",
        "pipe",
        "empty",
    }


@pytest.mark.parametrize("name", ["a" * 5000 + ".png", "a\0b.png", "\ud800.png", "~nobody-of-this-name/a.png"])
def test_names_that_no_file_can_have(name):
    for use in (lambda: decode(name), lambda: find_input_images([name]), lambda: survey(name).require()):
        with pytest.raises(UserError) as caught:
            use()
        (problem,) = caught.value.problems
        assert len(problem) < 1200 and "\n" not in problem


def test_a_file_that_vanishes_or_changes_while_it_is_read(folder, monkeypatch):
    from minunet.data.reading import open_images

    path, plain = folder / "a.png", open_images.open_with_pillow

    def cut(file):
        image = plain(file)
        with open(path, "r+b") as other:
            other.truncate(200)
        return image

    monkeypatch.setattr(open_images, "open_with_pillow", cut)
    with pytest.raises(UserError, match="truncated"):
        decode(path)

    def vanish(file):
        path.unlink()
        raise open_images.UnidentifiedImageError

    monkeypatch.setattr(open_images, "open_with_pillow", vanish)
    with pytest.raises(UserError, match="a.png "):
        decode(path)
