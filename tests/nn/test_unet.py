"""The U-Net: its architecture in both variants, any image size, its options."""

import json

import numpy as np
import pytest

import minunet
from minunet import Tensor, UNet
from tests.nn.distinct_weights import with_distinct_weights
from tests.sample_arrays import distinct

VARIANTS = ["paper", "classic"]


def count(model):
    return sum(p.size for p in model.parameters())


def test_parameter_counts():
    """31,030,593 is the well-known number of the original U-Net without batch normalisation, one channel in and out."""
    assert count(UNet(variant="classic")) == 31_030_593
    classic, paper = (count(UNet(base_channels=8, variant=variant)) for variant in ("classic", "paper"))
    third_convolutions = sum(9 * w * w + w for w in (8, 16, 32, 64))
    wider_head = (9 - 1) * 8
    assert paper == classic + third_convolutions + wider_head
    assert count(UNet(3, 2, base_channels=4, depth=1)) == sum(
        (
            3 * 9 * 4 + 4,
            2 * (4 * 9 * 4 + 4),
            4 * 9 * 8 + 8,
            8 * 9 * 8 + 8,
            8 * 4 * 4 + 4,
            8 * 9 * 4 + 4,
            4 * 9 * 4 + 4,
            4 * 9 * 2 + 2,
        )
    )


def expected_shapes(variant, channels, out, base, depth):
    """(weight shape, bias shape) in the order of use: contraction, bottleneck, expansion deepest first, head."""
    widths = [base * 2**k for k in range(depth + 1)]
    kernels, before = [], channels
    for width in widths[:-1]:
        kernels += [(3, 3, before, width)] + [(3, 3, width, width)] * (2 if variant == "paper" else 1)
        before = width
    kernels += [(3, 3, before, widths[-1]), (3, 3, widths[-1], widths[-1])]
    for width in reversed(widths[:-1]):
        kernels += [(2, 2, 2 * width, width), (3, 3, 2 * width, width), (3, 3, width, width)]
    kernels.append((3, 3, base, out) if variant == "paper" else (1, 1, base, out))
    return [shape for kernel in kernels for shape in (kernel, kernel[-1:])]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("channels", "out", "base", "depth"), [(1, 1, 2, 1), (3, 2, 3, 2), (2, 1, 1, 4)])
def test_parameters_come_in_the_order_of_use(variant, channels, out, base, depth):
    model = UNet(channels, out, base_channels=base, depth=depth, variant=variant)
    pairs = list(model.named_parameters())
    assert [p.shape for _, p in pairs] == expected_shapes(variant, channels, out, base, depth)
    assert [name.rpartition(".")[2] for name, _ in pairs] == ["weight", "bias"] * (len(pairs) // 2)
    parts = [name.partition(".")[0] for name, _ in pairs]
    assert list(dict.fromkeys(parts)) == ["contraction", "bottleneck", "expansion", "head"]
    assert parts == sorted(parts, key=["contraction", "bottleneck", "expansion", "head"].index)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_order_of_use_is_the_order_of_the_gradients_graph(variant):
    """The convolutions run in the order in which `named_parameters` lists their weights."""
    model = UNet(base_channels=1, depth=3, variant=variant)
    seen = []
    names = {id(p.data): name for name, p in model.named_parameters()}
    from minunet.kernels.dispatch import intercept_calls

    def note(primitive, args):
        seen.extend(names[id(a)] for a in args if id(a) in names)
        return primitive.choose(*args).run(*args)

    with intercept_calls(note), minunet.no_grad():
        model(np.ones((1, 8, 8, 1), np.float32))
    assert seen == [name for name, _ in model.named_parameters()]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_last_layer_is_linear(variant):
    """No ReLU before the sigmoid: logits of both signs, and the head's bias moves them one to one."""
    model = UNet(base_channels=4, depth=1, variant=variant)
    x = distinct((1, 8, 8, 1), dtype=np.float32)
    y = model(x).data
    assert y.min() < 0 < y.max()
    model.head.bias.data -= 10
    np.testing.assert_allclose(model(x).data, y - 10, rtol=1e-5)


def test_the_skip_is_joined_in_front_of_the_upsampled():
    model = with_distinct_weights(UNet(base_channels=2, depth=1, variant="classic"))
    joined = model.expansion[0].block.convs[0].weight.data
    x = distinct((1, 4, 4, 1))
    joined[:, :, 2:] = 0  # the up-convolution has no effect
    before = model(x).data
    model.bottleneck.convs[1].bias.data += 1
    np.testing.assert_array_equal(model(x).data, before)
    model.contraction[0].convs[1].bias.data += 1
    assert (model(x).data != before).any()


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_is_pooled_is_also_the_skip(variant):
    """If the path through the pooling has no effect, the loss still reaches every convolution of the block through the skip."""
    model = with_distinct_weights(UNet(base_channels=2, depth=1, variant=variant))
    model.expansion[0].up.weight.data[...] = 0
    model(distinct((1, 4, 4, 1))).sum().backward()
    assert all(conv.weight.grad.any() for conv in model.contraction[0].convs)
    assert not model.bottleneck.convs[0].weight.grad.any()


def relus(model, x):
    """The activations of each convolution, in order of execution."""
    from minunet.kernels.dispatch import intercept_calls

    seen = []

    def note(primitive, args):
        if primitive.name == "conv2d":
            seen.append(args[-1])
        return primitive.choose(*args).run(*args)

    with intercept_calls(note), minunet.no_grad():
        model(x)
    return seen


X = distinct((1, 4, 4, 1), dtype=np.float32)


def test_where_the_activations_are():
    per_block = {"paper": 3, "classic": 2}
    for variant in VARIANTS:
        n = per_block[variant]
        inner = ["relu"] * (n - 1)
        end = relus(UNet(base_channels=1, depth=2, variant=variant), X)
        assert end == (inner + ["relu"]) * 2 + ["relu"] * 2 + ["relu"] * 4 + [None]
        bare = relus(UNet(base_channels=1, depth=2, variant=variant, block_end_relu=False), X)
        assert bare == (inner + [None]) * 2 + ["relu"] * 2 + ["relu"] * 4 + [None]


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("pooling", ["max", "average", "sum"])
def test_options_change_the_function_but_not_the_shapes(activation, pooling):
    model = UNet(base_channels=2, depth=1, activation=activation, pooling=pooling)
    plain = UNet(base_channels=2, depth=1)
    plain.load_state_dict(model.state_dict())
    y, z = model(X), plain(X)
    assert y.shape == z.shape
    assert np.array_equal(y.data, z.data) == ((activation, pooling) == ("relu", "max"))


def test_avg_is_average():
    assert (
        UNet(base_channels=1, depth=1, pooling="avg").config == UNet(base_channels=1, depth=1, pooling="average").config
    )


def test_config_rebuilds_the_architecture():
    model = UNet(
        3,
        2,
        base_channels=np.int64(3),
        depth=2,
        variant="classic",
        activation="tanh",
        pooling="sum",
        block_end_relu=False,
    )
    twin = UNet(**json.loads(json.dumps(model.config)))
    assert twin.config == model.config
    twin.load_state_dict(model.state_dict())
    x = distinct((1, 5, 6, 3), dtype=np.float32)
    np.testing.assert_array_equal(twin(x).data, model(x).data)
    assert UNet(base_channels=1).config == {
        "in_channels": 1,
        "out_channels": 1,
        "base_channels": 1,
        "depth": 4,
        "variant": "paper",
        "activation": "relu",
        "pooling": "max",
        "block_end_relu": True,
    }


def test_weights_come_from_the_generator_alone():
    def first(rng=None):
        return np.concatenate([p.data.ravel() for p in UNet(base_channels=2, depth=1, rng=rng).parameters()])

    np.testing.assert_array_equal(first(), first(np.random.default_rng(0)))
    assert (first() != first(np.random.default_rng(1))).any()
    weights = [p.data for n, p in UNet(base_channels=2, depth=1).named_parameters() if n.endswith("weight")]
    same_shape = [w for w in weights if w.shape == weights[1].shape]
    assert len(same_shape) > 1
    assert (same_shape[0] != same_shape[1]).any()  # one generator for all layers, not one seed for each


def test_plain_arrays_of_any_dtype_follow_the_weights():
    model = UNet(base_channels=1, depth=1)
    x = np.arange(16).reshape(1, 4, 4, 1)
    expected = model(x.astype(np.float32)).data
    for given in (x, x.astype(np.uint8), x.astype(float), x.tolist(), Tensor(x)):
        y = model(given)
        assert y.dtype == np.float32
        np.testing.assert_array_equal(y.data, expected)
    with pytest.raises(ValueError, match="the dtypes must agree, but x is float64, weight is float32"):
        model(Tensor(x.astype(float)))


@pytest.mark.parametrize("shape", [(4, 4, 1), (1, 4, 4), (1, 4, 4, 2), (1, 0, 4, 1), (1, 4, 0, 1)])
def test_images_of_the_wrong_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"UNet: x must have shape \(N, H, W, 1\) with H and W at least 1, got"):
        UNet(base_channels=1, depth=1)(np.zeros(shape))


def test_wrong_settings_are_refused_all_at_once():
    with pytest.raises(ValueError) as caught:
        UNet(0, 1.5, base_channels=True, depth=9, variant="big", activation="elu", pooling="median")
    for problem in (
        "in_channels must be a whole number of at least 1, got 0",
        "out_channels must be a whole number of at least 1, got 1.5",
        "base_channels must be a whole number of at least 1, got True",
        "depth must be a whole number from 1 to 8, got 9",
        "variant must be one of paper, classic, got 'big'",
        "activation must be one of relu, tanh, sigmoid, got 'elu'",
        "pooling must be one of max, average, sum, got 'median'",
    ):
        assert problem in str(caught.value)
    for depth in (0, -1, 2.0, None):
        with pytest.raises(ValueError, match="depth must be a whole number from 1 to 8"):
            UNet(depth=depth)
    with pytest.raises(ValueError, match="rng must be a numpy.random.Generator, got int"):
        UNet(base_channels=1, depth=1, rng=0)
