"""Every public operation on float16: as exact as the rounded float32 result, also where sums are long."""

import numpy as np
import pytest

import minunet
from minunet import Tensor, optim
from minunet import functional as F
from tests.sample_arrays import distinct

MANY = 70_000  # more than float16 can count
HALVES = np.linspace(0.1, 0.9, MANY, dtype=np.float16)
IMAGE = distinct((2, 9, 8, 3), dtype=np.float16)
KERNEL = distinct((3, 3, 3, 4), 1, dtype=np.float16)
WIDE = np.full((1, 300, 300, 1), 0.5, np.float16)
TARGET = (HALVES > 0.5).astype(np.float16)

CALLS = {
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 200), WIDE),
    "sum_pool2d": (lambda x: F.sum_pool2d(x, 100), WIDE),
    "max_pool2d": (F.max_pool2d, IMAGE),
    "upsample2d": (lambda x: F.upsample2d(x, 60), np.full((1, 2, 2, 1), 0.5, np.float16)),
    "pad_or_crop": (lambda x: F.pad_or_crop(x, (12, 5)), IMAGE),
    "pad": (lambda x: F.pad(x, 1, 0.5), IMAGE),
    "indices": (lambda x: x[np.zeros(MANY, int)], IMAGE[:, 0, 0]),
    "extremes": (lambda x: x.max(1) + x.min((0, 1)), IMAGE),
    "equal extremes": (lambda x: x.max(), np.zeros(MANY, np.float16)),
    "clip": (lambda x, low: x.clip(low, 0.5), IMAGE, np.float16(-0.25) + np.zeros(3, np.float16)),
    "where": (lambda x: minunet.where(x > 0, x, x.abs() * 0.5) + minunet.maximum(x, 0.25), IMAGE),
    "conv2d": (lambda x, w: F.conv2d(x, w, padding=1, activation="relu"), IMAGE, KERNEL),
    "conv2d of a large image": (
        F.conv2d,
        WIDE,
        np.full((1, 1, 1, 1), 0.5, np.float16),
        np.zeros(1, np.float16),
    ),
    "conv_transpose2d": (lambda x, w: F.conv_transpose2d(x, w), IMAGE, KERNEL),
    "linear": (
        F.linear,
        np.full((MANY, 2), 0.1, np.float16),
        distinct((2, 3), dtype=np.float16),
        np.zeros(3, np.float16),
    ),
    "@": (lambda a, b: a @ b, np.full((2, MANY), 0.1, np.float16), np.full((MANY, 2), 0.1, np.float16)),
    "relu": (F.relu, IMAGE),
    "tanh": (F.tanh, IMAGE),
    "sigmoid": (F.sigmoid, IMAGE),
    "softmax": (F.softmax, HALVES),
    "flatten": (F.flatten, IMAGE),
    "concat": (lambda x: F.concat([x, x], axis=1), IMAGE),
    "dropout": (lambda x: F.dropout(x, 0.5, np.random.default_rng(0), True), IMAGE),
    "binary_cross_entropy": (lambda p: F.binary_cross_entropy(p, TARGET), HALVES),
    "binary_cross_entropy of certainty": (lambda p: F.binary_cross_entropy(p, np.float16([0, 1])), np.float16([0, 1])),
    "binary_cross_entropy_with_logits": (lambda x: F.binary_cross_entropy_with_logits(x, TARGET), HALVES),
    "cross_entropy": (lambda x: F.cross_entropy(x.reshape(-1, 2), np.zeros(MANY // 2)), HALVES),
    "dice_loss": (lambda x: F.dice_loss(x.reshape(1, -1), TARGET.reshape(1, -1)), HALVES),
    "mean": (lambda x: x.mean(), HALVES),
    "mean of columns": (lambda x: x.reshape(-1, 2).mean(0), HALVES),
    "sum": (lambda x: (x * 0.5).reshape(2, -1).sum(1), HALVES),
    "arithmetic": (lambda x: (x + 2.0) * x - x / 3.0 + (x * x) ** 0.5, IMAGE),
    "a number for all": (lambda x, b: x * b, HALVES, np.full((), 0.5, np.float16)),
}


def value_and_gradients(operation, arrays):
    tensors = [Tensor(a, requires_grad=True) for a in arrays]
    y = operation(*tensors)
    y.backward(np.full(y.shape, 0.5))
    return [y.data, *(t.grad for t in tensors)]


def test_every_operation_is_among_them():
    assert set(F.__all__) <= set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_values_and_gradients_are_those_of_float32(name):
    operation, *arrays = CALLS[name]
    expected = value_and_gradients(operation, [a.astype(np.float32) for a in arrays])
    for answer, right in zip(value_and_gradients(operation, arrays), expected, strict=True):
        assert answer.dtype == np.float16
        assert np.isfinite(answer).all()
        np.testing.assert_allclose(answer, right, rtol=4e-3, atol=2e-6 + 2e-3 * np.abs(right).max())


@pytest.mark.parametrize("optimizer", [optim.Adam, optim.SGD])
def test_optimizers_refuse_it_by_name(optimizer):
    model = minunet.ConvNet(image_size=8, channels=(2,))
    made_before = optimizer(model.parameters(), lr=1e-3)
    model(np.ones((1, 8, 8, 1))).sum().backward()
    model.astype(np.float16)
    for p in model.parameters():
        p.grad = np.zeros_like(p.data)
    with pytest.raises(ValueError, match=r"params\[0\] is float16, in which most updates are lost in rounding"):
        optimizer(model.parameters(), lr=1e-3)
    with pytest.raises(ValueError, match=r"step: params\[0\] is float16"):
        made_before.step()
    assert made_before.steps == 0


def test_a_model_is_not_converted_to_integers():
    with pytest.raises(ValueError, match="dtype must be floating-point, such as float32, got int32"):
        minunet.ConvNet(image_size=8, channels=(2,)).astype(np.int32)
