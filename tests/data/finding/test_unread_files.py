"""Folders that hold files which are not read: the message names them and the remedy."""

import pytest

from tests.data.finding.drawn_sets import make, numbered
from tests.data.found_pairs import problems


@pytest.mark.parametrize(
    ("ending", "remedy"),
    [
        (".svs", "export the images as TIFF"),
        (".mat", "scipy.io.loadmat"),
        (".zip", "unpack them"),
        (".dcm", "export the slices"),
    ],
)
def test_masks_that_are_not_read(ending, remedy, tmp_path):
    make(tmp_path, *numbered("images/{}.png", f"masks/{{}}{ending}"))
    (problem,) = problems(tmp_path)
    assert f"masks holds no mask files that are read, only 6 {ending} files such as 1{ending}: " in problem
    assert remedy in problem


def test_images_that_are_not_read(tmp_path):
    make(tmp_path, *numbered("{}.czi"))
    (problem,) = problems(tmp_path)
    assert "holds no images that are read, only 6 .czi files such as 1.czi: export the images as TIFF" in problem
