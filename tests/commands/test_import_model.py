"""`python -m minunet.import_model`: the model that it writes, what it prints, and what it refuses."""

import json

import numpy as np
import pytest

from minunet.exchange.torch_file import write_torch_file
from minunet.import_model import main
from tests.exchange.small_models import KINDS


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with a file for PyTorch in it."""
    monkeypatch.chdir(tmp_path)
    write_torch_file(KINDS["classic, rgb"], tmp_path / "torch.safetensors")
    return tmp_path


def test_a_file_for_pytorch_becomes_a_model(folder, capsys):
    assert main(["torch.safetensors", "--output", "new/cells.safetensors"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "of minunet, from its layout for PyTorch" in said and "classic U-Net, base 2, depth 2; rgb" in said
    assert "python -m minunet.predict new/cells.safetensors IMAGES" in said
    assert (folder / "new" / "cells.safetensors").is_file()


def test_a_state_dict_of_milesial_becomes_a_model(folder, capsys):
    torch = pytest.importorskip("torch")
    from tests.exchange.milesial_unet import MilesialUNet, trained_like

    network = trained_like(MilesialUNet(3, 2, base=2, depth=1))
    torch.save({**network.state_dict(), "mask_values": [0, 255]}, "net.pth")
    assert main(["net.pth", "--output", "cells.safetensors", "--json"]) == 0
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document["folded"] == 6 and document["n_classes"] == 2 and document["scale"] == 0.5
    text = " ".join(said.err.split())
    assert "milesial's U-Net, 3 channels, 2 classes, 6 batch normalizations folded" in text
    assert (
        "resized by 0.5" in text and "its masks had the values 0 and 255" in text and "--scale says otherwise" in text
    )
    assert main(["net.pth", "--output", "cells.safetensors", "--overwrite", "--scale", "1"]) == 0
    assert "--scale says otherwise" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "problems"),
    [
        (
            ["none.pth", "--output", "a.pth"],
            ["none.pth: there is no such file", "--output a.pth: the name of a model ends in"],
        ),
        (["torch.safetensors", "--output", "torch.safetensors"], ["is the file that is read"]),
        (["torch.safetensors", "--output", "other.safetensors"], ["is there already; add --overwrite"]),
        (["torch.safetensors", "--output", "folder.safetensors"], ["is a folder"]),
        (["torch.safetensors", "--output", "other.safetensors/a.safetensors"], ["is a file where a folder is needed"]),
        (["torch.safetensors", "--output", "a.safetensors", "--scale", "0"], ["--scale 0: must be above 0"]),
        (["torch.safetensors", "--output", "a.safetensors", "--scale", "2"], ["--scale 2: must be from 0 to 1"]),
        (["torch.safetensors", "--output", "a.safetensors", "--classes", "a,b"], ["leave --scale and --classes out"]),
        (["text.pth", "--output", "a.safetensors"], ["text.pth: this is no file of torch.save"]),
    ],
)
def test_mistakes_are_named_and_nothing_is_written(folder, capsys, arguments, problems):
    (folder / "other.safetensors").write_bytes(b"")
    (folder / "folder.safetensors").mkdir()
    (folder / "text.pth").write_text("no weights")
    before = sorted(folder.iterdir())
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert all(problem in said for problem in problems) and "Traceback" not in said
    assert sorted(folder.iterdir()) == before


def test_names_of_classes_are_given_by_commas(folder, capsys):
    torch = pytest.importorskip("torch")
    from tests.exchange.milesial_unet import MilesialUNet

    torch.save(MilesialUNet(1, 3, base=2, depth=1).eval().state_dict(), "net.pth")
    assert main(["net.pth", "--output", "cells.safetensors", "--classes", "background, red,white"]) == 0
    from minunet.checkpoints.model_file import load_model

    model = load_model("cells.safetensors", "cpu")
    assert model.outputs.classes == ("background", "red", "white")
    assert model.predict(np.zeros((31, 45), np.uint8)).shape == (31, 45)
    assert main(["net.pth", "--output", "b.safetensors", "--classes", "background,,white"]) == 2
    assert "classes" in capsys.readouterr().err
