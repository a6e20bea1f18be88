"""The file for PyTorch, and back: the same bits, also after more training; in PyTorch the same logits."""

import json

import numpy as np
import pytest

from minunet.cells.cell_choice import CellChoice
from minunet.checkpoints import container
from minunet.checkpoints.model_file import load_model
from minunet.checkpoints.trained_model import save_model
from minunet.data.outputs import Outputs
from minunet.errors import UserError
from minunet.exchange.check_image import drawn_image
from minunet.exchange.foreign_weights import own_document, read_foreign_weights
from minunet.exchange.model_import import import_weights
from minunet.exchange.torch_check import difference_in_torch
from minunet.exchange.torch_file import TORCH, write_torch_file
from minunet.exchange.torch_layout import from_torch, to_torch
from tests.exchange.small_models import CLASSES, KINDS, small_model


def test_layouts_are_turned_into_each_other():
    rng = np.random.default_rng(0)
    conv, up, bias = rng.random((3, 3, 2, 5)), rng.random((2, 2, 4, 3)), rng.random(5)
    assert to_torch("head.weight", conv)[4, 1, 0, 2] == conv[0, 2, 1, 4]
    assert to_torch("expansion.0.up.weight", up)[3, 2, 0, 1] == up[0, 1, 3, 2]
    for name, weight in (("head.weight", conv), ("expansion.0.up.weight", up), ("head.bias", bias)):
        assert np.array_equal(from_torch(name, to_torch(name, weight)), weight)


def test_a_model_comes_back_with_the_same_bits(tmp_path):
    model = small_model("rgb", Outputs(CLASSES, "seam"), depth=2)
    model.cell_choice, model.metrics, model.extra = CellChoice(), {"dice": 0.5}, {"note": "ü"}
    save_model(model, tmp_path / "model.safetensors")
    write_torch_file(load_model(tmp_path / "model.safetensors", "cpu"), tmp_path / "torch.safetensors")
    import_weights(tmp_path / "torch.safetensors", tmp_path / "back.safetensors")
    assert (tmp_path / "back.safetensors").read_bytes() == (tmp_path / "model.safetensors").read_bytes()


def test_the_header_says_what_pytorch_needs(tmp_path):
    write_torch_file(KINDS["resized"], tmp_path / "torch.safetensors")
    document = own_document(read_foreign_weights(tmp_path / "torch.safetensors"))
    assert document["format"] == TORCH and document["weight_layout"]["convolution"].startswith("(C_out, C_in, kh, kw)")
    assert document["preprocessing"]["size"] == [48, 36] and document["architecture"]["base_channels"] == 2


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda document, weights: document.update(format_version=2), "format version 2.*upgrade"),
        (lambda document, weights: document.update(format="minunet-model"), "is a model of minunet already"),
        (lambda document, weights: document.update(format="minunet-state"), "holds 'minunet-state'"),
        (lambda document, weights: document.update(architecture=3), "no usable entry 'architecture'"),
        (lambda document, weights: document["architecture"].update(depth=99), "depth is 99"),
        (lambda document, weights: document.update(preprocessing={"new": 1}), "does not know the preprocessing"),
        (lambda document, weights: weights.pop("head.bias"), "the tensor 'head.bias' is missing"),
        (
            lambda document, weights: weights.update(other=np.zeros(3, np.float32)),
            "the tensor 'other' belongs to no layer",
        ),
        (
            lambda document, weights: weights.update({"head.bias": np.full(1, np.inf, np.float32)}),
            "'head.bias' holds NaN",
        ),
    ],
)
def test_a_changed_file_is_refused_where_it_does_not_fit(tmp_path, change, sentence):
    write_torch_file(small_model(), tmp_path / "torch.safetensors")
    read = read_foreign_weights(tmp_path / "torch.safetensors")
    document, weights = own_document(read), dict(read.tensors)
    change(document, weights)
    version = document.pop("format_version")
    container.write(tmp_path / "changed.safetensors", weights, {**document, "format_version": version})
    with pytest.raises(UserError, match=sentence):
        import_weights(tmp_path / "changed.safetensors", tmp_path / "back.safetensors")
    assert not (tmp_path / "back.safetensors").exists()


def test_a_scale_is_not_for_a_file_that_knows_its_preprocessing(tmp_path):
    write_torch_file(small_model(), tmp_path / "torch.safetensors")
    with pytest.raises(UserError, match="leave --scale and --classes out"):
        import_weights(tmp_path / "torch.safetensors", tmp_path / "back.safetensors", scale=0.5)


@pytest.mark.parametrize("kind", KINDS)
def test_logits_in_pytorch_are_those_of_minunet(tmp_path, kind):
    pytest.importorskip("torch")
    model = KINDS[kind]
    image = drawn_image(model.preprocessing)[60:97, 80:125]
    write_torch_file(model, tmp_path / "torch.safetensors")
    _, difference = difference_in_torch(tmp_path / "torch.safetensors", model, image)
    assert difference <= 1e-5


def test_a_network_whose_logits_are_all_0_is_written(tmp_path):
    pytest.importorskip("torch")
    model = small_model()
    for parameter in model.model.parameters():
        parameter.data[...] = 0
    write_torch_file(model, tmp_path / "torch.safetensors")
    assert difference_in_torch(tmp_path / "torch.safetensors", model, drawn_image(model.preprocessing))[1] == 0


def test_more_training_in_pytorch_comes_back(tmp_path):
    torch = pytest.importorskip("torch")
    from minunet.exchange.torch_unet import load_torch_unet, save_torch_unet

    write_torch_file(KINDS["classic, rgb"], tmp_path / "torch.safetensors")
    network, document = load_torch_unet(str(tmp_path / "torch.safetensors"))
    images = torch.rand(2, 3, 11, 13, generator=torch.Generator().manual_seed(0))
    network(images).square().mean().backward()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter -= 0.1 * parameter.grad
    save_torch_unet(network, document, str(tmp_path / "tuned.safetensors"))
    import_weights(tmp_path / "tuned.safetensors", tmp_path / "back.safetensors")
    model = load_model(tmp_path / "back.safetensors", "cpu")
    with torch.no_grad():
        expected = network(images).numpy().transpose(0, 2, 3, 1)
    found = model.output_logits(images.numpy().transpose(0, 2, 3, 1).copy())
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()
    assert not np.allclose(model.model.state_dict()["head.bias"], KINDS["classic, rgb"].model.state_dict()["head.bias"])
    assert json.loads(json.dumps(model.preprocessing.to_dict()))["channels"] == "rgb"


@pytest.mark.parametrize("kind", ["one cell diameter", "classic, rgb"])
def test_the_border_of_images_that_cannot_be_halved_is_that_of_minunet(tmp_path, kind):
    """A model of one cell diameter continues images by their mirror image, others by zeros."""
    torch = pytest.importorskip("torch")
    from minunet.exchange.torch_unet import load_torch_unet

    model = KINDS[kind]
    write_torch_file(model, tmp_path / "torch.safetensors")
    network, _ = load_torch_unet(str(tmp_path / "torch.safetensors"))
    for shape in ((1, 1, 1), (2, 1, 19), (1, 13, 10)):
        images = np.random.default_rng(0).random((*shape, model.config["in_channels"]), np.float32)
        with torch.no_grad():
            found = network(torch.from_numpy(images.transpose(0, 3, 1, 2).copy())).numpy().transpose(0, 2, 3, 1)
        expected = model.output_logits(images)
        assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()
