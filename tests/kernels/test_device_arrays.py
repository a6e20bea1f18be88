"""The whole library's plain code on arrays of another library than NumPy: the same results, with no hidden conversion."""

import sys

import numpy as np
import pytest

import minunet
from minunet import Tensor
from minunet import functional as F
from minunet.functional.softmax_loss import class_cross_entropy, class_dice_loss
from minunet.kernels.backend import to_numpy
from minunet.kernels.dispatch import prefer
from tests.kernels import fake_cupy
from tests.sample_arrays import distinct


@pytest.fixture(autouse=True)
def cupy(monkeypatch):
    module = fake_cupy.module()
    monkeypatch.setitem(sys.modules, "cupy", module)
    with prefer("reference"):  # the stand-in has arrays, but nothing to run CUDA kernels on
        yield module


IMAGE = distinct((2, 5, 6, 3))
TARGET = (distinct((2, 5, 6, 3), 1) > 0).astype(float)
CLASSES = (np.arange(60) % 2).reshape(2, 5, 6, 1)
OPERATIONS = {
    "conv2d": lambda x: F.conv2d(
        x, distinct((3, 3, 3, 2), 1), distinct(2, 2), stride=2, padding="same", activation="relu"
    ),
    "conv2d of a tuple": lambda x: F.conv2d((x, IMAGE), distinct((3, 3, 6, 2), 1), padding=1),
    "conv_transpose2d": lambda x: F.conv_transpose2d(x, distinct((3, 2, 3, 2), 1), [1, 2], stride=2, padding=1),
    "max_pool2d": lambda x: F.max_pool2d(x, 3, 2, 1),
    "avg_pool2d": lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
    "sum_pool2d": F.sum_pool2d,
    "relu": F.relu,
    "tanh": F.tanh,
    "sigmoid": F.sigmoid,
    "softmax": lambda x: F.softmax(x, 1),
    "linear": lambda x: F.linear(x, distinct((3, 4), 1), np.ones(4)),
    "flatten": F.flatten,
    "concat": lambda x: F.concat([x, IMAGE, x], axis=1),
    "upsample2d": lambda x: F.upsample2d(x, (2, 3)),
    "pad_or_crop": lambda x: F.pad_or_crop(x, (4, 8)),
    "dropout": lambda x: F.dropout(x, 0.5, np.random.default_rng(0), True),
    "binary_cross_entropy": lambda x: F.binary_cross_entropy(F.sigmoid(x), TARGET, np.ones(3)),
    "binary_cross_entropy_with_logits": lambda x: F.binary_cross_entropy_with_logits(x, TARGET, 2.0),
    "cross_entropy": lambda x: F.cross_entropy(x, np.ones((2, 5, 6), int)),
    "dice_loss": lambda x: F.dice_loss(x, TARGET),
    "class_cross_entropy": lambda x: class_cross_entropy(x, CLASSES, CLASSES + 1.0, 2),
    "class_dice_loss": lambda x: class_dice_loss(x, CLASSES, CLASSES * 0 + 1.0, np.ones((2, 1, 1, 1)), 3),
    "arithmetic": lambda x: 2 - x * IMAGE / (x**2 + 1.0) + np.float64(3) * -x + x @ distinct((3, 3), 1) + [1, 2, 3],
    "power": lambda x: (x * x) ** x,
    "reductions": lambda x: x.sum((0, 2)) * x.mean(0).sum((1, 2), keepdims=True).reshape(5, 1) + x.mean(),
    "elementary": lambda x: abs(x).log() + x.exp() * (x * x).sqrt(),
    "extremes": lambda x: (
        x.max((1, 2)) * x.min(axis=0).max() + minunet.maximum(x, 0.1).mean() + minunet.minimum(x, IMAGE).sum()
    ),
    "clip": lambda x: x.clip(-0.5, IMAGE[0]) + x.clip(max=[0.1, 0.2, 0.3]),
    "where": lambda x: minunet.where(x > 0.2, x, 0.1 * x) + minunet.where(IMAGE > 0, 0, x),
    "indices": lambda x: (
        x[1:, ::2, None, [0, 5, 5]] * x[0, 1, 2, 0] + x[np.array([True, False])].sum() + x[x > 0].sum()
    ),
    "pad": lambda x: x.pad(((0, 0), (1, 0), (0, 2), (0, 0)), 0.5),
    "views": lambda x: x.transpose(0, 3, 1, 2).reshape(2, -1).T,
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_and_gradients_stay_on_the_device_and_agree(name, cupy):
    here, there = Tensor(IMAGE, requires_grad=True), Tensor(cupy.asarray(IMAGE), requires_grad=True)
    y, z = OPERATIONS[name](here), OPERATIONS[name](there)
    assert isinstance(z.data, cupy.ndarray)
    np.testing.assert_allclose(z.numpy(), y.data, rtol=1e-12, atol=1e-14)
    grad = distinct(y.shape, 9)
    y.backward(grad)
    z.backward(grad)  # a plain array is moved
    assert isinstance(there.grad, cupy.ndarray)
    assert there.grad.dtype == np.float64
    np.testing.assert_allclose(to_numpy(there.grad), here.grad, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    "optimizer", [lambda p: minunet.optim.Adam(p, weight_decay=0.1), lambda p: minunet.optim.SGD(p, 0.1, 0.9)]
)
@pytest.mark.parametrize("variant", ["paper", "classic"])
def test_training_a_network_takes_the_same_steps(variant, optimizer, cupy):
    x, target = distinct((2, 7, 6, 1), dtype=np.float32), (distinct((2, 7, 6, 1), 1) > 0).astype(np.float32)
    states = []
    for device in ("cpu", "cuda"):
        model = minunet.UNet(base_channels=2, depth=2, variant=variant)
        steps = optimizer(model.parameters())
        model.to(device)  # after the optimizer was made: its state moves too
        assert model.device == device
        for _ in range(3):
            steps.zero_grad()
            F.binary_cross_entropy_with_logits(model(x), target).backward()
            steps.step()
        if device == "cuda":
            assert all(
                isinstance(p.data, cupy.ndarray) and isinstance(p.grad, cupy.ndarray) for p in model.parameters()
            )
            assert not any(isinstance(v, cupy.ndarray) for v in {**model.state_dict(), **steps.state_dict()}.values())
        states.append({**model.state_dict(), **steps.state_dict()})
    for name, value in states[0].items():
        np.testing.assert_allclose(states[1][name], value, rtol=1e-4, atol=1e-6, err_msg=name)


def test_weights_move_there_and_back(cupy):
    model = minunet.ConvNet(image_size=8, channels=(2,))
    before = model.state_dict()
    model(np.ones((1, 8, 8, 1))).sum().backward()
    model.to("cuda").to("cpu")
    assert all(isinstance(p.data, np.ndarray) and isinstance(p.grad, np.ndarray) for p in model.parameters())
    model.to("auto").load_state_dict(before)
    assert model.device == "cuda"
    assert all(np.array_equal(value, before[name]) for name, value in model.state_dict().items())


def test_gradcheck_runs_on_the_device(cupy):
    seen = set()

    def fn(x, w):
        seen.update((type(x.data), type(w.data)))
        return F.conv2d(x, w, padding=1)

    assert minunet.gradcheck(
        fn, [cupy.asarray(distinct((1, 3, 2, 1))), Tensor(cupy.asarray(distinct((3, 3, 1, 1), 1)))]
    )
    assert seen == {cupy.ndarray}


def test_tensors_on_two_devices_are_refused_by_name(cupy):
    with pytest.raises(ValueError, match="conv2d: the devices must agree, but x is on cpu, weight is on cuda"):
        F.conv2d(Tensor(np.ones((1, 3, 3, 1))), Tensor(cupy.asarray(np.ones((1, 1, 1, 1)))))


def test_printing_and_reading_values(cupy):
    x = Tensor(cupy.asarray(np.array([1.5])), requires_grad=True)
    assert repr(x) == "Tensor([1.5], dtype=float64, on cuda, requires_grad=True)"
    assert x.item() == float(x) == 1.5
    assert type(x.numpy()) is np.ndarray
