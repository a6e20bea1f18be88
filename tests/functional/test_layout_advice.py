"""Arrays of another layout than (N, H, W, C): the advice of the error makes them fit."""

import re

import numpy as np
import pytest

import minunet
from minunet import functional as F
from minunet.functional.layout_advice import layout_advice

SHAPES = [
    (3, 8, 10),
    (8, 10, 3),
    (8, 10),
    (1, 8, 10),
    (8, 10, 1),
    (2, 8, 10),
    (4, 8, 10),
    (8, 10, 4),
    (2, 3, 8, 10),
    (2, 1, 8, 10),
    (2, 8, 10, 4),
    (2, 8, 10, 3),
    (2, 8, 10, 1),
    (2, 4, 8, 10),
    (1, 10, 3),
]


def network(channels):
    return minunet.UNet(channels, base_channels=1, depth=1)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_what_the_error_proposes_is_taken(shape, channels):
    x, w = np.random.default_rng(0).random(shape, np.float32), np.zeros((3, 3, channels, 2), np.float32)
    if len(shape) == 4 and shape[3] == channels:
        assert network(channels)(x).shape == (*shape[:3], 1)
        return
    for call in (network(channels), lambda x: F.conv2d(x, w, padding=1)):
        with pytest.raises(ValueError) as caught:
            call(x)
        proposed, said = re.search(r": ([^:]*(?:\[\.\.\., :3\])?[^:]*) has shape (\(.*\))$", str(caught.value)).groups()
        better = eval(proposed, {"x": x, "np": np})
        assert better.shape == eval(said)
        assert call(better).shape[:3] == better.shape[:3]


@pytest.mark.parametrize("layer", [F.max_pool2d, F.upsample2d, minunet.ConvNet(3, image_size=(8, 10), channels=(2,))])
def test_channels_that_come_first(layer):
    with pytest.raises(
        ValueError, match=r"its channels seem to come first: np\.moveaxis\(x, 0, -1\)\[None\] has shape \(1, 8, 10, 3\)"
    ):
        layer(np.zeros((3, 8, 10), np.float32))


def test_torchs_layout_is_recognised_where_the_sides_are_like_channels():
    assert layout_advice((2, 3, 4, 4), 3).startswith("; its channels seem to come first: np.moveaxis(x, 1, -1)")


@pytest.mark.parametrize(
    ("shape", "channels"),
    [((), 3), ((3,), 3), ((1, 1, 8, 8, 3), 3), ((0, 8, 8), 3), ((2, 8, 8, 5), 3), ((2, 8, 8, 3), 7)],
)
def test_no_advice_where_nothing_is_likely(shape, channels):
    assert layout_advice(shape, channels) == ""


def test_none_is_named():
    w = np.zeros((3, 3, 1, 1))
    for call in (lambda: F.conv2d(None, w), lambda: F.conv_transpose2d(None, w), lambda: F.linear(None, w)):
        with pytest.raises(TypeError, match="x is None; give a Tensor or an array"):
            call()
    with pytest.raises(TypeError, match="conv2d: weight is None"):
        F.conv2d(np.zeros((1, 3, 3, 1)), None)


def test_what_a_tensor_cannot_hold_comes_with_advice():
    with pytest.raises(TypeError, match=r"real numbers, got str of dtype <U5; read a file first"):
        network(1)("a.png")
    with pytest.raises(TypeError, match="real numbers, got generator of dtype object; make a list of it first"):
        network(1)(value for value in [1.0])
    with pytest.raises(
        ValueError,
        match=r"x is float64, weight is float32.*convert the input, such as x.astype\('float32'\), or the layer",
    ):
        F.linear(minunet.Tensor(np.zeros((1, 1))), minunet.Tensor([[1.0]]))
