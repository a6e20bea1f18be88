"""The paper's Figure 1: shapes, structure, gradients, and that it learns to tell two kinds of cells apart."""

import numpy as np
import pytest

import minunet
from minunet import ConvNet, Tensor, gradcheck
from minunet import functional as F
from tests.sample_arrays import distinct


def test_structure():
    net = ConvNet(3, 4, image_size=(16, 12), channels=(2, 5))
    assert [(name, p.shape) for name, p in net.named_parameters()] == [
        ("stages.0.weight", (3, 3, 3, 2)),
        ("stages.0.bias", (2,)),
        ("stages.1.weight", (3, 3, 2, 5)),
        ("stages.1.bias", (5,)),
        ("classifier.weight", (4 * 3 * 5, 4)),
        ("classifier.bias", (4,)),
    ]


@pytest.mark.parametrize("size", [(16, 12), (7, 9), (4, 4)])
def test_it_is_convolution_relu_pool_then_dense_and_softmax(size):
    net = ConvNet(1, 3, image_size=size, channels=(2, 3))
    x = distinct((2, *size, 1), dtype=np.float32)
    y = Tensor(x)
    for stage in net.stages:
        y = F.max_pool2d(F.relu(F.conv2d(y, stage.weight, stage.bias, padding=1)))
    logits = F.linear(F.flatten(y), net.classifier.weight, net.classifier.bias)
    np.testing.assert_allclose(net.logits(x).data, logits.data, rtol=1e-6)
    probabilities = net(x)
    assert probabilities.shape == (2, 3)
    np.testing.assert_allclose(probabilities.data, F.softmax(logits).data, rtol=1e-5)
    np.testing.assert_allclose(probabilities.data.sum(axis=1), 1, rtol=1e-6)


def test_gradients():
    net = ConvNet(1, 2, image_size=(5, 4), channels=(2,)).astype(np.float64)
    weight, bias = net.stages[0].weight, net.stages[0].bias
    bias.data[...] = distinct(2)
    x = distinct((2, 5, 4, 1))

    def loss(x, w):
        net.stages[0].weight = w
        return F.cross_entropy(net.logits(x), [0, 1])

    assert gradcheck(loss, [x, weight.data])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"channels": ()}, "ConvNet: channels must name at least one stage"),
        ({"image_size": 3, "channels": (2, 2)}, "ConvNet: 2 poolings leave nothing of images of 3x3 pixels"),
        ({"image_size": 0}, "ConvNet: image_size must be at least 1, got 0"),
        ({"channels": (2, 0)}, "out_channels must be a whole number of at least 1, got 0"),
        ({"num_classes": 0}, "out_features must be a whole number of at least 1, got 0"),
        ({"rng": 0}, "rng must be a numpy.random.Generator, got int"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message):
        ConvNet(**arguments)


@pytest.mark.parametrize("shape", [(1, 8, 9, 1), (8, 8, 1), (1, 8, 8)])
def test_images_of_another_size_are_refused(shape):
    with pytest.raises(ValueError, match=r"ConvNet: x must have shape \(N, 8, 8, 1\), got"):
        ConvNet(image_size=8)(np.zeros(shape))


def draw_cells(count, seed):
    """Images of red and white cells in turn, 24 pixels wide, and their classes."""
    from minunet.data.synthetic import draw_cell

    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    pictures = [draw_cell(rng, 24, ("red", "white")[label]) for label in labels]
    return np.stack(pictures).astype(np.float32) / 255, labels


def test_it_learns_to_tell_red_cells_from_white_ones():
    images, labels = draw_cells(240, seed=1)
    held_out, truth = draw_cells(100, seed=2)
    rng = np.random.default_rng(0)
    net = ConvNet(3, 2, image_size=24, channels=(8, 16), rng=rng)
    optimizer = minunet.optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(12):
        order = rng.permutation(len(images))
        for first in range(0, len(order), 16):
            batch = order[first : first + 16]
            optimizer.zero_grad()
            F.cross_entropy(net.logits(images[batch]), labels[batch]).backward()
            optimizer.step()
    with minunet.no_grad():
        right = (net(held_out).data.argmax(axis=1) == truth).mean()
    assert right > 0.9
