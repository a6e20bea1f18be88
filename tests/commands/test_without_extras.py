"""Every command where only NumPy, Pillow and the other required packages are installed: it does what it can, and names the rest."""

import sys

import numpy as np
import pytest

from minunet import UNet, compare, doctor, evaluate, predict, show, train
from minunet.checkpoints.model_writing import write_model
from minunet.data.reading.preprocessing import Preprocessing
from tests.discs import write_discs

EXTRAS = ("matplotlib", "matplotlib.figure", "jinja2", "scipy", "skimage", "roifile", "argcomplete", "imagecodecs")
TINY = ["--size", "16", "--base-channels", "2", "--depth", "1", "--epochs", "1", "--device", "cpu"]
CELLS = "scipy and scikit-image are not installed, so cells are not counted; to count them: python -m pip install 'minunet[cells]'"
REPORT = "report.html needs Jinja2, which is not installed: python -m pip install 'minunet[report]'"
CURVES = "plots need matplotlib: python -m pip install 'minunet[plots]'"


@pytest.fixture(autouse=True)
def reports():
    """Unlike in the other tests of the commands, reports are written where they can be."""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with data/ and a model of it."""
    root = tmp_path_factory.mktemp("made")
    write_discs(root / "data", 4, (24, 20), squared_radius=25)
    network = UNet(base_channels=2, depth=1, rng=np.random.default_rng(0))
    write_model(root / "model.safetensors", network, Preprocessing(size=(16, 16)))
    return root


@pytest.fixture
def core_only(made, tmp_path, monkeypatch):
    """A process without the packages of the extras."""
    imported = [name for name in sys.modules if name.partition(".")[0] in EXTRAS]
    for name in {*imported, *EXTRAS}:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("core_only")
@pytest.mark.parametrize(
    ("command", "arguments", "missing"),
    [
        (predict, ["model.safetensors", "data/images", "--out"], (CELLS, REPORT)),
        (evaluate, ["model.safetensors", "data", "--out"], (CELLS, REPORT)),
        (train, ["data", *TINY, "--out"], (CELLS, REPORT, CURVES)),
        (show, ["model.safetensors", "data/images/cell0.png", "--out"], (REPORT,)),
        (doctor, ["data", "--dump"], ()),
    ],
)
def test_it_does_what_it_can_and_names_what_is_missing(command, arguments, missing, made, tmp_path, capsys):
    paths = [str(made / word) if (made / word).exists() else word for word in arguments]
    assert command.main([*paths, "out"]) == 0
    said = capsys.readouterr()
    text = " ".join(said.out.split())
    assert [sentence for sentence in (CELLS, REPORT, CURVES) if sentence in text] == list(missing)
    assert said.err == "" and any((tmp_path / "out").iterdir())


@pytest.mark.usefixtures("core_only")
def test_where_nothing_can_be_done_it_is_one_error(made, capsys):
    masks = str(made / "data" / "masks")
    assert compare.main([masks, masks]) == 2
    assert capsys.readouterr().err == f"error: {CELLS}.\n"
    assert predict.main([str(made / "model.safetensors"), str(made / "data" / "images"), "--export", "roi"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "roifile" in said and "python -m pip install 'minunet[cells]'" in said
