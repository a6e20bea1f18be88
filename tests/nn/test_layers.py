"""Layers: their operation, shapes and names of their parameters, initial weights, errors at construction."""

import numpy as np
import pytest

from minunet import functional as F
from minunet import nn
from tests.sample_arrays import distinct

IMAGE = distinct((2, 6, 5, 3), dtype=np.float32)


@pytest.mark.parametrize(
    ("layer", "apply"),
    [
        (nn.Conv2d(3, 4, 3), lambda x, w, b: F.conv2d(x, w, b)),
        (nn.Conv2d(3, 4, (2, 3), (2, 1), (1, 0)), lambda x, w, b: F.conv2d(x, w, b, stride=(2, 1), padding=(1, 0))),
        (nn.Conv2d(3, 4, 3, 2, "same"), lambda x, w, b: F.conv2d(x, w, b, stride=2, padding="same")),
        (nn.Conv2d(3, 4, 3, activation="relu"), lambda x, w, b: F.relu(F.conv2d(x, w, b))),
        (nn.Conv2d(3, 4, 3, activation="tanh"), lambda x, w, b: F.tanh(F.conv2d(x, w, b))),
        (nn.Conv2d(3, 4, 3, activation="sigmoid"), lambda x, w, b: F.sigmoid(F.conv2d(x, w, b))),
        (nn.ConvTranspose2d(3, 4), lambda x, w, b: F.conv_transpose2d(x, w, b, stride=2)),
        (
            nn.ConvTranspose2d(3, 4, (3, 2), 1, (1, 0)),
            lambda x, w, b: F.conv_transpose2d(x, w, b, stride=1, padding=(1, 0)),
        ),
        (nn.Linear(3, 4), F.linear),
    ],
)
def test_layers_with_weights(layer, apply):
    layer.bias.data[...] = distinct(4, 3)
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]
    assert layer.weight.dtype == layer.bias.dtype == np.float32
    np.testing.assert_allclose(layer(IMAGE).data, apply(IMAGE, layer.weight, layer.bias).data, rtol=1e-6)


@pytest.mark.parametrize(
    ("layer", "apply"),
    [
        (nn.MaxPool2d(), F.max_pool2d),
        (nn.MaxPool2d(3, 2, 1), lambda x: F.max_pool2d(x, 3, 2, 1)),
        (nn.AvgPool2d(), F.avg_pool2d),
        (nn.AvgPool2d(3, 2, 1, count_include_pad=False), lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)),
        (nn.SumPool2d((2, 1), padding=(1, 0)), lambda x: F.sum_pool2d(x, (2, 1), padding=(1, 0))),
        (nn.ReLU(), F.relu),
        (nn.Tanh(), F.tanh),
        (nn.Sigmoid(), F.sigmoid),
        (nn.Softmax(), F.softmax),
        (nn.Softmax(1), lambda x: F.softmax(x, 1)),
        (nn.Flatten(), F.flatten),
    ],
)
def test_layers_without_weights(layer, apply):
    assert layer.parameters() == []
    np.testing.assert_allclose(layer(IMAGE).data, apply(IMAGE).data, rtol=1e-6)


@pytest.mark.parametrize(
    "layer", [nn.Conv2d(3, 4, 3, bias=False), nn.ConvTranspose2d(3, 4, bias=False), nn.Linear(3, 4, bias=False)]
)
def test_without_bias(layer):
    assert [name for name, _ in layer.named_parameters()] == ["weight"]
    assert layer.bias is None
    assert layer(np.zeros((1, 4, 4, 3))).data.any() == np.False_


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv2d(3, 4, (2, 5)), (2, 5, 3, 4)),
        (nn.ConvTranspose2d(3, 4, (2, 5)), (2, 5, 3, 4)),
        (nn.Linear(3, 4), (3, 4)),
        (nn.Conv2d(np.int64(3), np.int32(4), 1), (1, 1, 3, 4)),
    ],
)
def test_weight_layout(layer, shape):
    assert layer.weight.shape == shape
    assert layer.bias.shape == (4,)
    assert not layer.bias.data.any()


BUILDERS = [
    lambda rng: nn.Conv2d(8, 16, 3, rng=rng),
    lambda rng: nn.ConvTranspose2d(8, 16, rng=rng),
    lambda rng: nn.Linear(80, 16, rng=rng),
]


@pytest.mark.parametrize("build", BUILDERS)
def test_weights_come_from_the_generator_and_never_from_a_global_one(build):
    np.random.seed(1)  # noqa: NPY002  the global generator must not matter
    first = build(None).weight.data
    np.random.seed(2)  # noqa: NPY002
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    np.testing.assert_array_equal(build(None).weight.data, first)
    np.testing.assert_array_equal(build(np.random.default_rng(0)).weight.data, first)
    assert (build(np.random.default_rng(1)).weight.data != first).all()
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    rng = np.random.default_rng(0)
    build(rng)
    assert (build(rng).weight.data != first).all()  # the generator continues


@pytest.mark.parametrize("rng", [0, "0", np.random])
@pytest.mark.parametrize("build", BUILDERS)
def test_a_seed_is_not_accepted_as_a_generator(build, rng):
    with pytest.raises(ValueError, match="rng must be a numpy.random.Generator, got"):
        build(rng)


def test_signals_keep_their_size_through_the_layers():
    """He's weights keep the mean square through a ReLU; Glorot's keep the variance of a linear layer."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 16, 16, 32)).astype(np.float32)
    for _ in range(5):
        x = nn.Conv2d(32, 32, 3, padding="same", activation="relu", rng=rng)(x).data
    assert 0.3 < (x[:, 5:-5, 5:-5] ** 2).mean() < 3
    y = rng.standard_normal((256, 128)).astype(np.float32)
    for _ in range(5):
        y = nn.Linear(128, 128, rng=rng)(y).data
    assert 0.5 < y.var() < 2
    up = nn.ConvTranspose2d(64, 32, rng=rng)(rng.standard_normal((1, 16, 16, 64)).astype(np.float32))
    assert 0.3 < up.data.var() < 3


def test_dropout_follows_the_mode_and_its_generator():
    layer = nn.Dropout(0.5)
    x = np.ones(1000, np.float32)
    first = layer(x).data
    assert 0.4 < (first == 0).mean() < 0.6
    assert (layer(x).data != first).any()
    np.testing.assert_array_equal(nn.Dropout(0.5, rng=np.random.default_rng(0))(x).data, first)
    layer.eval()
    np.testing.assert_array_equal(layer(x).data, 1)


def test_sequential():
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Conv2d(3, 2, 3, rng=rng), nn.ReLU(), nn.MaxPool2d(), nn.Flatten(), nn.Linear(4, 3, rng=rng)
    )
    assert [name for name, _ in model.named_parameters()] == ["0.weight", "0.bias", "4.weight", "4.bias"]
    assert len(model) == 5
    assert isinstance(model[1], nn.ReLU)
    assert isinstance(model[-1], nn.Linear)
    assert [type(layer) for layer in model] == [nn.Conv2d, nn.ReLU, nn.MaxPool2d, nn.Flatten, nn.Linear]
    x = IMAGE
    for layer in model:
        x = layer(x)
    np.testing.assert_array_equal(model(IMAGE).data, x.data)


def test_more_than_ten_layers_keep_their_order():
    model = nn.Sequential(*(nn.Linear(1, 1) for _ in range(12)))
    assert [name for name, _ in model.named_parameters()][::2] == [f"{k}.weight" for k in range(12)]


@pytest.mark.parametrize("wrong", [F.relu, None, [nn.ReLU()], nn.ReLU])
def test_sequential_takes_only_modules(wrong):
    with pytest.raises(TypeError, match="Sequential: layer 1 is not a Module but"):
        nn.Sequential(nn.ReLU(), wrong)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: nn.Conv2d(0, 4, 3), "Conv2d: in_channels must be a whole number of at least 1, got 0"),
        (lambda: nn.Conv2d(3, 4.0, 3), "Conv2d: out_channels must be a whole number of at least 1, got 4.0"),
        (lambda: nn.Conv2d(3, True, 3), "Conv2d: out_channels must be a whole number of at least 1, got True"),
        (lambda: nn.Conv2d(3, 4, 0), "Conv2d: kernel_size must be at least 1, got 0"),
        (lambda: nn.Conv2d(3, 4, 3, 0), "Conv2d: stride must be at least 1, got 0"),
        (lambda: nn.Conv2d(3, 4, 3, 1, -1), "Conv2d: padding must be at least 0, got -1"),
        (lambda: nn.Conv2d(3, 4, 3, padding="full"), 'Conv2d: padding must be an integer, a pair, "same" or "valid"'),
        (lambda: nn.Conv2d(3, 4, 3, activation="elu"), "Conv2d: activation must be None, .* got 'elu'"),
        (
            lambda: nn.ConvTranspose2d(3, -4),
            "ConvTranspose2d: out_channels must be a whole number of at least 1, got -4",
        ),
        (lambda: nn.ConvTranspose2d(3, 4, 2, (2, 0)), r"ConvTranspose2d: stride must be at least 1, got \(2, 0\)"),
        (lambda: nn.ConvTranspose2d(3, 4, padding="same"), "ConvTranspose2d: padding must be an integer or a pair"),
        (lambda: nn.Linear(3, 0), "Linear: out_features must be a whole number of at least 1, got 0"),
        (lambda: nn.MaxPool2d(0), "MaxPool2d: kernel_size must be at least 1, got 0"),
        (lambda: nn.AvgPool2d(2, -1), "AvgPool2d: stride must be at least 1, got -1"),
        (lambda: nn.SumPool2d(2, 2, 2), "SumPool2d: padding must be less than kernel_size"),
        (lambda: nn.Dropout(1.5), "Dropout: p must be between 0 and 1, got 1.5"),
    ],
)
def test_refusals_at_construction(build, message):
    with pytest.raises(ValueError, match=message):
        build()
