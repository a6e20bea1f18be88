"""What the tests of reports share: a run, its evaluation and its predictions, with names that would be tags in a page."""

import contextlib
import os

import pytest

from minunet import compare, evaluate, predict, show, train
from minunet.cell_packages import missing_packages
from minunet.data.reading.preprocessing import Preprocessing
from tests.commands.evaluate.small_evaluations import SIZE, draw, trained_model

EVIL = "<img src=x onerror=alert(1)>"
NAMES = (EVIL, "b & c", 'd "e"', "{{ 7*7 }}", "f", "g")
FOLDERS = ("run", "scores", "found", "layers", *(() if missing_packages() else ("agreed",)))
SMALL = [
    "--size",
    "32x24",
    "--depth",
    "1",
    "--base-channels",
    "2",
    "--batch-size",
    "2",
    "--epochs",
    "2",
    "--device",
    "cpu",
]


@pytest.fixture(autouse=True)
def reports():
    """Unlike in the other tests of the commands, reports are written."""


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    """A folder with data/, run/, scores/, found/ and layers/, the last three of a better model than that of the run, and, with the
    packages for cells, agreed/, which compares found/ with the masks; not to be changed.
    """
    root = tmp_path_factory.mktemp("results")
    trained_model(root / "model", Preprocessing(size=SIZE), draw(root / "data", NAMES))
    with working_folder(root):
        assert train.main(["data", "--out", "run", *SMALL]) == 0
        assert evaluate.main(["model", "data", "--out", "scores"]) == 0
        assert predict.main(["model", "data/images", "--out", "found"]) == 0
        assert show.main(["model", f"data/images/{EVIL}.png", "--out", "layers"]) == 0
        if not missing_packages():
            assert compare.main(["data/masks", "found", "--out", "agreed", "--images", "data/images"]) == 0
    return root


@contextlib.contextmanager
def working_folder(folder):
    """`contextlib.chdir`, which Python 3.10 does not have."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
