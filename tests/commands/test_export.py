"""`python -m minunet.export`: the files that it writes, what it prints, and what it refuses."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from minunet.checkpoints.model_file import load_model
from minunet.checkpoints.model_writing import write_model
from minunet.data.reading.preprocessing import Preprocessing
from minunet.exchange import onnx_file
from minunet.export import main
from minunet.nn.unet import UNet

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
CHECK = ["--check", "run/smear.png"]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The working folder, with a run in it."""
    monkeypatch.chdir(tmp_path)
    network = UNet(3, base_channels=2, depth=2, rng=np.random.default_rng(0))
    write_model("run/model.safetensors", network, Preprocessing(channels="rgb"))
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (31, 45, 3), np.uint8)).save("run/smear.png")
    return tmp_path


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_an_onnx_file_is_written_and_checked_on_an_image(run, capsys):
    assert main(["run", "--onnx", "cells.onnx", *CHECK]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert (
        f"checked on smear.png: ONNX Runtime {onnxruntime.__version__} differs from the exact probabilities by at"
        in said
    )
    session = onnxruntime.InferenceSession("cells.onnx")
    assert session.run(None, {"image": np.zeros((2, 3, 5, 7), np.float32)})[0].shape == (2, 1, 5, 7)
    assert files(run) == ["cells.onnx", "run"]


def test_json_has_the_numbers_of_the_check(run, capsys):
    assert main(["run/model.safetensors", "--onnx", "new/cells.onnx", "--json"]) == 0
    said = capsys.readouterr()
    document = json.loads(said.out)
    found = document["files"]["onnx"]
    assert found["bytes"] == (run / "new" / "cells.onnx").stat().st_size
    assert 0 <= found["check"]["largest_difference"] <= 1e-5
    assert [shape[0] for shape in found["check"]["outputs"]] == [1, 2] and "a drawn smear" in said.err


def test_an_onnx_file_with_preprocessing_takes_the_image_as_it_is(run, capsys):
    assert main(["run", "--onnx", "cells.onnx", "--onnx-preprocessing", *CHECK, "--json"]) == 0
    check = json.loads(capsys.readouterr().out)["files"]["onnx"]["check"]
    assert check["largest_difference"] <= 1e-5 and check["outputs"][0] == [1, 31, 45, 1]
    image = np.asarray(Image.open("run/smear.png"))
    found = onnxruntime.InferenceSession("cells.onnx").run(None, {"image": image[None]})[0][0]
    np.testing.assert_allclose(found, load_model("run").predict(image), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "problems"),
    [
        (["run"], ["no file was named: give at least one of --onnx"]),
        (["nowhere", "--onnx", "a.onnx"], ["nowhere"]),
        (["run", "--onnx-preprocessing"], ["no file was named", "--onnx-preprocessing: says what an ONNX file holds"]),
        (
            ["run", "--onnx", "a.onnx", "--author", "A. Smith"],
            ["--author: only a package of bioimage.io says so; add --bioimageio"],
        ),
        (["run", "--bioimageio", "a.zip", "--name", "a/b"], ["--name a/b: a name has 5 to 128 letters"]),
        (["run", "--onnx", "a.zip"], ["--onnx a.zip: the name of such a file ends in .onnx"]),
        (["run", "--onnx", "folder.onnx"], ["--onnx folder.onnx: is a folder"]),
        (["run", "--onnx", "there.onnx"], ["--onnx there.onnx: is there already; add --overwrite"]),
        (["run", "--onnx", "there.onnx/a.onnx"], ["there.onnx: is a file where a folder is needed"]),
        (["nowhere", "--onnx", "there.onnx", "--check", "no.png"], ["nowhere", "is there already", "no.png"]),
        (["run", "--onnx", "a.onnx", "--check", "run/model.safetensors"], ["model.safetensors"]),
    ],
)
def test_mistakes_are_named_all_at_once_and_nothing_is_written(run, capsys, arguments, problems):
    (run / "folder.onnx").mkdir()
    (run / "there.onnx").write_text("x")
    before = files(run)
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert all(problem in said for problem in problems) and said.count("\n") == len(problems) + (len(problems) > 1)
    assert files(run) == before and (run / "there.onnx").read_text() == "x"


def test_overwrite_replaces_the_file(run):
    (run / "there.onnx").write_text("x")
    assert main(["run", "--onnx", "there.onnx", "--overwrite", *CHECK]) == 0
    onnx.checker.check_model("there.onnx")


def test_a_file_that_predicts_something_else_is_not_left(run, monkeypatch, capsys):
    (run / "there.onnx").write_text("x")
    right = onnx_file.onnx_model

    def other_weights(model, form):
        model.model.head.bias.data += np.float32(1e-3)
        written = right(model, form)
        model.model.head.bias.data -= np.float32(1e-3)
        return written

    monkeypatch.setattr(onnx_file, "onnx_model", other_weights)
    assert main(["run", "--onnx", "there.onnx", "--overwrite", *CHECK]) == 2
    assert "a probability differs by" in capsys.readouterr().err
    assert files(run) == ["run", "there.onnx"] and (run / "there.onnx").read_text() == "x"


def test_without_onnx_runtime_the_reference_of_onnx_checks_the_file(run, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert main(["run", "--onnx", "cells.onnx", *CHECK]) == 0
    assert f"onnx.reference {onnx.__version__} differs" in " ".join(capsys.readouterr().out.split())


def test_without_onnx_the_remedy_is_one_line(run, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert main(["run", "--onnx", "cells.onnx"]) == 2
    assert capsys.readouterr().err == (
        "error: --onnx needs onnx, which is not installed: python -m pip install 'minunet[onnx]'.\n"
    )
    assert files(run) == ["run"]
