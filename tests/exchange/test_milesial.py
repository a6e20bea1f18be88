"""The state dict of milesial's U-Net as a model of minunet: the same logits, whatever the checkpoint looks like."""

import argparse

import numpy as np
import pytest

from minunet.checkpoints.model_file import load_model
from minunet.errors import UserError
from minunet.exchange.model_import import import_weights

torch = pytest.importorskip("torch")
safetensors_torch = pytest.importorskip("safetensors.torch")
from tests.exchange.milesial_unet import MilesialUNet, logits_of, trained_like  # noqa: E402


def network_of(n_channels=3, n_classes=1, base=4, depth=4, **settings):
    torch.manual_seed(1)
    return trained_like(MilesialUNet(n_channels, n_classes, base=base, depth=depth, **settings))


def imported(tmp_path, stored, **settings):
    """The model of what is stored, which is saved by PyTorch first."""
    torch.save(stored, tmp_path / "net.pth")
    import_weights(tmp_path / "net.pth", tmp_path / "net.safetensors", **settings)
    return load_model(tmp_path / "net.safetensors", "cpu")


def check(network, model, images, classes=1):
    """The logits of minunet are those of PyTorch; of two classes their difference."""
    expected = logits_of(network, images)
    if classes == 2:
        expected = expected[..., 1:] - expected[..., :1]
    found = model.output_logits(images)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize(("n_channels", "n_classes"), [(3, 1), (1, 2), (3, 4)])
def test_logits_are_those_of_pytorch(tmp_path, n_channels, n_classes):
    network = network_of(n_channels, n_classes, base=3, depth=2)
    model = imported(tmp_path, network.state_dict())
    images = np.random.default_rng(0).random((2, 20, 28, n_channels), np.float32)
    check(network, model, images, n_classes)
    assert model.preprocessing.channels == {1: "grey", 3: "rgb"}[n_channels]
    assert model.preprocessing.scale == 0.5 and (model.preprocessing.range.low, model.preprocessing.range.high) == (
        0,
        255,
    )
    names = ("background", "class 1", "class 2", "class 3") if n_classes == 4 else ()
    assert model.outputs.classes == names


@pytest.mark.ci
@pytest.mark.parametrize(("n_channels", "n_classes"), [(3, 1), (3, 2)])
@pytest.mark.parametrize("shape", [(16, 16), (64, 80), (256, 320)])
def test_logits_of_the_original_depth_are_those_of_pytorch(tmp_path, n_channels, n_classes, shape):
    network = network_of(n_channels, n_classes, base=16)
    images = np.random.default_rng(0).random((1, *shape, n_channels), np.float32)
    check(network, imported(tmp_path, network.state_dict(), scale=1.0), images, n_classes)


def test_other_widths_depths_and_classes_with_names(tmp_path):
    network = network_of(5, 3, base=3, depth=2)
    model = imported(tmp_path, network.state_dict(), scale=1.0, classes=("background", "red", "white"))
    check(network, model, np.random.default_rng(0).random((1, 12, 20, 5), np.float32), 3)
    assert model.outputs.classes == ("background", "red", "white") and model.preprocessing.scale is None
    assert model.preprocessing.channels == "0,1,2,3,4"


@pytest.mark.ci
def test_sides_that_are_no_multiples_of_16_differ_near_the_far_borders_only(tmp_path):
    """PyTorch's network drops the last odd row before it pools and pads what it up-samples; minunet pads the image."""
    network = network_of(1, 1)
    model = imported(tmp_path, network.state_dict())
    image = np.random.default_rng(0).random((1, 251, 237, 1), np.float32)
    off = np.abs(logits_of(network, image) - model.output_logits(image))[0, ..., 0]
    assert off[:140, :126].max() <= 1e-6 and off.max() > 1e-4
    assert (off > 1e-5).mean() < 0.7


WRAPPINGS = {
    "mask values": lambda stored: {**stored, "mask_values": [0, 255]},
    "a checkpoint": lambda stored: {"epoch": 3, "optimizer": {"lr": [0.1]}, "model_state_dict": stored},
    "a checkpoint with a name of its own": lambda stored: {
        "unet": stored,
        "optimizer": {"state": {0: {"exp_avg": torch.zeros(4, 1, 3, 3)}}},
    },
    "beside a loss": lambda stored: {"epoch": 3, "loss": torch.tensor(0.2), "model_state_dict": stored},
    "beside scores and settings": lambda stored: {
        "dice": np.float64(0.9),
        "settings": argparse.Namespace(lr=0.1, size=torch.Size([64]), device=torch.device("cpu"), dtype=torch.float32),
        "state_dict": stored,
    },
    "beside a description": lambda stored: {"model": {"name": "unet"}, "unet": stored},
    "twice": lambda stored: {"last": stored, "best": stored},
    "the usual name of two": lambda stored: {"ema": {n: 0 * v for n, v in stored.items()}, "model": stored},
    "compiled": lambda stored: {f"_orig_mod.module.{name}": value for name, value in stored.items()},
    "data parallel": lambda stored: {f"module.{name}": value for name, value in stored.items()},
    "lightning": lambda stored: {"state_dict": {f"model.net.{name}": value for name, value in stored.items()}},
    "half precision": lambda stored: {n: v.half() if v.is_floating_point() else v for n, v in stored.items()},
    "bfloat16": lambda stored: {n: v.bfloat16() if v.is_floating_point() else v for n, v in stored.items()},
    "parameters": lambda stored: {n: torch.nn.Parameter(v, requires_grad=False) for n, v in stored.items()},
    "old names": lambda stored: {
        name.replace("maxpool_conv.1", "mpconv.1").replace("double_conv", "conv"): value
        for name, value in stored.items()
    },
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_checkpoints_of_every_kind_are_read(tmp_path, wrapping):
    network = network_of(1, 2, base=3, depth=2)
    if wrapping in ("half precision", "bfloat16"):
        rounded = {"half precision": torch.float16, "bfloat16": torch.bfloat16}[wrapping]
        network = network.to(rounded).float()
    model = imported(tmp_path, WRAPPINGS[wrapping](network.state_dict()))
    check(network, model, np.random.default_rng(0).random((1, 8, 12, 1), np.float32), 2)


def test_the_old_format_of_torch_save_and_safetensors_are_read(tmp_path):
    network = network_of(1, 1, base=3, depth=2)
    images = np.random.default_rng(0).random((1, 8, 12, 1), np.float32)
    torch.save(network.state_dict(), tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    halves = {name: value.bfloat16().float() for name, value in network.state_dict().items()}
    network.load_state_dict(halves)
    stored = {name: value.bfloat16() if value.is_floating_point() else value for name, value in halves.items()}
    safetensors_torch.save_file(stored, tmp_path / "halves.safetensors", metadata={"format": "pt"})
    import_weights(tmp_path / "halves.safetensors", tmp_path / "a.safetensors")
    check(network, load_model(tmp_path / "a.safetensors", "cpu"), images)
    import_weights(tmp_path / "old.pth", tmp_path / "b.safetensors")
    check(network_of(1, 1, base=3, depth=2), load_model(tmp_path / "b.safetensors", "cpu"), images)


def test_convolutions_with_a_bias_and_without_batch_normalization(tmp_path):
    network = network_of(1, 1, base=3, depth=1)
    stored = network.state_dict()
    plain = {
        name: value for name, value in stored.items() if "double_conv.1" not in name and "double_conv.4" not in name
    }
    for name, value in list(plain.items()):
        if "double_conv" in name:
            plain[name.replace("weight", "bias")] = torch.arange(len(value)) / 10
    model = imported(tmp_path, plain)
    image = np.random.default_rng(0).random((1, 8, 12, 1), np.float32)
    for name, layer in network.named_modules():
        if isinstance(layer, torch.nn.BatchNorm2d):  # the same as a summand
            layer.running_mean.zero_(), layer.running_var.fill_(1 - layer.eps), layer.weight.data.fill_(1)
            layer.bias.data[:] = plain[
                name.replace(".1", ".0").replace(".4", ".3").replace("_conv.0.d", "_conv.1.d") + ".bias"
            ]
    check(network, model, image)


def changed(stored, **changes):
    return {name: value for name, value in {**stored, **changes}.items() if value is not None}


BAD = {
    "bilinear": (lambda: network_of(3, 2, bilinear=True).state_dict(), "bilinear=True"),
    "another network": (
        lambda: {"conv1.weight": torch.zeros(3, 3, 3, 3)},
        "no state dict of milesial's U-Net.*conv1.weight",
    ),
    "no tensors": (lambda: {"epoch": 3}, "no weights of convolutions \\(it has epoch\\).*model.state_dict"),
    "a whole model": (lambda: network_of(depth=1), "names .*MilesialUNet.*model.state_dict"),
    "a missing tensor": (
        lambda: changed(network_of(depth=1).state_dict(), **{"up1.up.bias": None}),
        "the tensor 'up1.up.bias' is missing",
    ),
    "another layer": (
        lambda: changed(network_of(depth=1).state_dict(), **{"attention.weight": torch.zeros(3)}),
        "does not have: attention.weight",
    ),
    "another width": (
        lambda: changed(network_of(depth=1).state_dict(), **{"up1.up.weight": torch.zeros(8, 5, 2, 2)}),
        "'expansion.0.up.weight' has shape(?s:.*)doubles the channels",
    ),
    "a width that does not fit": (
        lambda: changed(network_of(depth=1).state_dict(), **{"inc.double_conv.1.running_mean": torch.zeros(7)}),
        "'inc.double_conv.1' does not fit its convolution",
    ),
    "layers without weights": (
        lambda: {
            n: v
            for n, v in network_of(depth=1).state_dict().items()
            if "double_conv.1" not in n and "double_conv.4" not in n
        },
        "'inc.double_conv.0' has neither a bias nor a batch normalization.*InstanceNorm2d",
    ),
    "several networks": (
        lambda: {"G": network_of(depth=1).state_dict(), "E": network_of(depth=1).state_dict()},
        r"the weights of several networks \(G and E\).*torch.load\(FILE\)\['G'\]",
    ),
    "not finite": (
        lambda: changed(network_of(depth=1).state_dict(), **{"outc.conv.bias": torch.full((1,), torch.nan)}),
        "'outc.conv.bias' holds NaN",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_imported_is_named(tmp_path, case):
    make, sentence = BAD[case]
    with pytest.raises(UserError, match=sentence):
        imported(tmp_path, make())
    assert [path.name for path in tmp_path.iterdir()] == ["net.pth"]


def test_names_of_classes_must_fit(tmp_path):
    stored = network_of(1, 3, depth=1).state_dict()
    with pytest.raises(UserError, match="this network has 3 classes, the background first, not 2"):
        imported(tmp_path, stored, classes=("background", "red"))
    with pytest.raises(UserError, match="need no names"):
        imported(tmp_path, network_of(1, 2, depth=1).state_dict(), classes=("background", "red"))
