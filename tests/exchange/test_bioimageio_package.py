"""Packages of bioimage.io: what their description says, and that bioimageio.core runs them with the result of minunet."""

import json
import zipfile

import numpy as np
import pytest

from minunet.checkpoints.model_writing import write_model
from minunet.data.outputs import Outputs
from minunet.data.reading.image_range import ImageRange
from minunet.data.reading.preprocessing import Preprocessing
from minunet.exchange.bioimageio_description import channel_names, license_problem, linear_scale, tile_sizes
from minunet.exchange.model_card import author_problem, card_page, model_card, name_problem
from minunet.exchange.onnx_model import joined_maps
from minunet.export import main
from minunet.inference.loaded_model import LoadedModel
from tests.exchange.small_models import CLASSES, KINDS, small_model


@pytest.mark.parametrize("kind", KINDS)
def test_every_tile_size_is_a_multiple_and_larger_than_its_halos(kind):
    model = KINDS[kind]
    smallest, step, halo = tile_sizes(model)
    assert (
        halo % step == 0 and step == 2 ** model.config["depth"] and smallest % step == 0 and smallest - 2 * halo >= 64
    )


@pytest.mark.parametrize(
    "preprocessing",
    [
        Preprocessing(),
        Preprocessing(range=ImageRange(20.0, 230.0, ("uint8",))),
        Preprocessing(channels="2,0", range=ImageRange((5.0, 9.0), (99.0, 200.0), ("uint16",))),
    ],
)
def test_gain_and_offset_are_those_of_the_preprocessing(preprocessing):
    gains, offsets = (np.asarray(values) for values in linear_scale(preprocessing))
    image = np.random.default_rng(0).integers(0, 256, (6, 7, 3)).astype(np.uint8)
    chosen = image[..., [2, 0]] if preprocessing.channels == "2,0" else image[..., :1]
    read = image if preprocessing.channels == "2,0" else chosen
    expected = preprocessing.values(read)
    np.testing.assert_allclose(np.clip(chosen * gains + offsets, 0, 1), expected, atol=1e-6)
    assert len(channel_names(preprocessing)) == expected.shape[2]


def test_nobody_is_named_and_nothing_is_allowed_unless_the_user_says_so():
    model = small_model()
    assert model_card(model).authors == ("not stated",) and model_card(model).license is None
    card = model_card(model, "my cells", ["A. Smith", "B. Jones"], "MIT")
    assert (card.name, card.authors, card.license) == ("my cells", ("A. Smith", "B. Jones"), "MIT")


@pytest.mark.parametrize("name", ["abcd", "x" * 129, "a/b/c/d", "Zellzähler", "cells: mine"])
def test_names_that_are_not_allowed(name):
    assert name_problem(name) is not None
    assert name_problem("My cells (2026) - a_b+c") is None


@pytest.mark.ci
def test_an_identifier_of_a_licence_is_checked():
    pytest.importorskip("bioimageio.spec")
    assert license_problem("CC-BY-4.0") is None and license_problem("GPL-3.0") is None
    for text, hint in {"mit": "did you mean MIT?", "CC-BY": "did you mean CC-BY-", "?!": "spdx.org/licenses"}.items():
        assert hint in license_problem(text)


def test_the_name_of_an_author_is_checked():
    assert author_problem("Ä. Müller") is None
    assert (
        author_problem("A/B") == author_problem("A\\B") == "a name has no slash" and author_problem(" ") == "is empty"
    )


def test_the_page_says_how_to_prepare_an_image_and_what_comes_out():
    page = card_page(KINDS["resized"], model_card(KINDS["resized"]))
    assert "images were resized to 48x36" in page and "# Validation" in page and "none are stored" in page
    assert "12 pixels across" in card_page(KINDS["one cell diameter"], model_card(KINDS["one cell diameter"]))
    scaled = LoadedModel(small_model().model, Preprocessing(scale=0.5))
    page = card_page(scaled, model_card(scaled))
    assert "images were resized to 0.5 times the width" in page and "keeps its own size" not in page
    both = small_model("rgb", Outputs(CLASSES, "seam"))
    both.metrics = {"test": {"dice": 0.91234, "epoch": 3}}
    page = card_page(both, model_card(both))
    assert "background, red, white, separation" in page and "- test dice: 0.9123" in page and "epoch" not in page


@pytest.mark.ci
@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)  # bioimageio.core's files
@pytest.mark.parametrize("kind", ["classes and separation", "one cell diameter", "16 bits"])
def test_bioimageio_core_runs_the_package(kind, tmp_path, monkeypatch, capsys):
    core = pytest.importorskip("bioimageio.core")
    pytest.importorskip("onnxruntime")
    monkeypatch.chdir(tmp_path)
    model = KINDS[kind]
    write_model("model.safetensors", model.model, model.preprocessing, outputs=model.outputs)
    card = ["--name", "Cells of mine", "--author", "A. Smith", "B. Jones", "--license", "CC-BY-4.0"]
    assert main(["model.safetensors", "--bioimageio", "cells.zip", "--onnx", "cells.onnx", *card, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["files"]["bioimageio"]["tested_by"] == f"bioimageio.core {core.__version__}"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cells.onnx", "cells.zip", "model.safetensors"]

    described = core.load_model_description("cells.zip")
    assert (described.name, str(described.license)) == ("Cells of mine", "CC-BY-4.0")
    assert [author.name for author in described.authors] == ["A. Smith", "B. Jones"]
    assert core.test_model(described, weight_format="onnx").status == "passed"
    with zipfile.ZipFile("cells.zip") as archive:
        assert {"rdf.yaml", "model.onnx", "README.md", "cover.png"} <= set(archive.namelist())
        values = np.load(archive.open("test_input.npy"))

    # An image that is cut into tiles has, inside of the outermost halo, the probabilities that minunet gives it whole.
    smallest, step, halo = tile_sizes(model)
    side = 2 * smallest
    image = np.tile(values, (1, 1, 3, 3))[:, :, :side, :side]
    found = core.predict(model=described, inputs={"image": image}, blocksize_parameter=0).members["probabilities"].data
    gains, offsets = (np.asarray(numbers) for numbers in linear_scale(model.preprocessing))
    prepared = np.clip(image.transpose(0, 2, 3, 1) * gains + offsets, 0, 1).astype(np.float32)
    expected = joined_maps(model.maps(prepared), model.outputs).transpose(0, 3, 1, 2)
    inner = np.s_[..., halo : side - halo, halo : side - halo]
    np.testing.assert_allclose(np.asarray(found)[inner], expected[inner], rtol=0, atol=1e-4)
