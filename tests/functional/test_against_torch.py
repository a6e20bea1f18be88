"""The same operations in PyTorch, over many random shapes and settings: values, gradients and conventions."""

import numpy as np
import pytest

from minunet import Tensor
from minunet import functional as F

torch = pytest.importorskip("torch")
torch.set_num_threads(1)  # its pool of threads costs more than these small tensors
TF = torch.nn.functional


def there(array, requires_grad=True):
    """Channels-last array -> channels-first torch tensor."""
    return torch.tensor(np.moveaxis(array, -1, 1).copy(), requires_grad=requires_grad)


def back(tensor):
    return np.moveaxis(tensor.detach().numpy(), 1, -1)


def kernel_there(weight):
    """(kh, kw, in, out) -> (out, in, kh, kw)."""
    return torch.tensor(weight.transpose(3, 2, 0, 1).copy(), requires_grad=True)


def settings(seed):
    rng = np.random.default_rng(seed)
    kernel = tuple(int(k) for k in rng.integers(1, 5, 2))
    return rng, {
        "n": int(rng.integers(1, 4)),
        "size": tuple(int(v) for v in rng.integers(4, 11, 2)),
        "channels": (int(rng.integers(1, 5)), int(rng.integers(1, 5))),
        "kernel": kernel,
        "stride": tuple(int(v) for v in rng.integers(1, 4, 2)),
        "padding": tuple(int(rng.integers(0, k // 2 + 1)) for k in kernel),
    }


def leaves(*arrays):
    return [Tensor(a, requires_grad=True) for a in arrays]


@pytest.mark.parametrize("seed", range(12))
def test_conv2d(seed):
    rng, s = settings(seed)
    x = rng.standard_normal((s["n"], *s["size"], s["channels"][0]))
    weight, bias = rng.standard_normal((*s["kernel"], *s["channels"])), rng.standard_normal(s["channels"][1])
    ours = leaves(x, weight, bias)
    theirs = there(x), kernel_there(weight), torch.tensor(bias, requires_grad=True)
    y = F.conv2d(*ours, stride=s["stride"], padding=s["padding"])
    z = TF.conv2d(*theirs, stride=s["stride"], padding=s["padding"])
    np.testing.assert_allclose(y.data, back(z), rtol=1e-10, atol=1e-12)
    grad = rng.standard_normal(y.shape)
    y.backward(grad)
    z.backward(there(grad, False))
    np.testing.assert_allclose(ours[0].grad, back(theirs[0].grad), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(ours[1].grad, theirs[1].grad.numpy().transpose(2, 3, 1, 0), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(ours[2].grad, theirs[2].grad.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_conv_transpose2d(seed):
    rng, s = settings(seed)
    x = rng.standard_normal((s["n"], *s["size"], s["channels"][0]))
    weight, bias = rng.standard_normal((*s["kernel"], *s["channels"])), rng.standard_normal(s["channels"][1])
    ours = leaves(x, weight, bias)
    theirs = (
        there(x),
        torch.tensor(weight.transpose(2, 3, 0, 1).copy(), requires_grad=True),
        torch.tensor(bias, requires_grad=True),
    )
    y = F.conv_transpose2d(*ours, stride=s["stride"], padding=s["padding"])
    z = TF.conv_transpose2d(*theirs, stride=s["stride"], padding=s["padding"])
    np.testing.assert_allclose(y.data, back(z), rtol=1e-10, atol=1e-12)
    grad = rng.standard_normal(y.shape)
    y.backward(grad)
    z.backward(there(grad, False))
    np.testing.assert_allclose(ours[0].grad, back(theirs[0].grad), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(ours[1].grad, theirs[1].grad.numpy().transpose(2, 3, 0, 1), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(ours[2].grad, theirs[2].grad.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_pooling(seed, ties):
    rng, s = settings(seed)
    shape = (s["n"], *s["size"], s["channels"][0])
    x = rng.integers(0, 3, shape).astype(float) if ties else rng.standard_normal(shape)
    window = s["kernel"], s["stride"], s["padding"]
    for ours, theirs in (
        (lambda t: F.max_pool2d(t, *window), lambda t: TF.max_pool2d(t, *window)),
        (lambda t: F.avg_pool2d(t, *window), lambda t: TF.avg_pool2d(t, *window)),
        (
            lambda t: F.avg_pool2d(t, *window, count_include_pad=False),
            lambda t: TF.avg_pool2d(t, *window, count_include_pad=False),
        ),
        (lambda t: F.sum_pool2d(t, *window), lambda t: TF.avg_pool2d(t, *window, divisor_override=1)),
    ):
        (a,), b = leaves(x), there(x)
        y, z = ours(a), theirs(b)
        np.testing.assert_allclose(y.data, back(z), rtol=1e-12, atol=1e-14)
        grad = rng.standard_normal(y.shape)
        y.backward(grad)
        z.backward(there(grad, False))
        np.testing.assert_allclose(a.grad, back(b.grad), rtol=1e-12, atol=1e-14)


VALUES = np.random.default_rng(0).standard_normal((3, 4, 5))
TARGETS = np.random.default_rng(1).random((3, 4, 5))
WEIGHTS = np.random.default_rng(2).random((3, 4, 5)) * 3
LABELS = np.random.default_rng(3).integers(0, 5, (3, 4))


def target(x):
    """The targets in the precision of x, ours or torch's."""
    return TARGETS if isinstance(x, Tensor) else torch.tensor(TARGETS).to(x.dtype)


def weight(x, index=...):
    return WEIGHTS[index] if isinstance(x, Tensor) else torch.tensor(WEIGHTS[index]).to(x.dtype)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (F.relu, torch.relu),
        (F.tanh, torch.tanh),
        (F.sigmoid, torch.sigmoid),
        (lambda x: F.softmax(x, 1), lambda x: torch.softmax(x, 1)),
        (lambda x: F.softmax(x * 1e4), lambda x: torch.softmax(x * 1e4, -1)),
        (
            lambda x: F.binary_cross_entropy(F.sigmoid(x), target(x)),
            lambda x: TF.binary_cross_entropy(torch.sigmoid(x), target(x)),
        ),
        (
            lambda x: F.binary_cross_entropy(F.sigmoid(x * 1e3), target(x), weight(x)),
            lambda x: TF.binary_cross_entropy(torch.sigmoid(x * 1e3), target(x), weight(x)),
        ),
        (
            lambda x: F.binary_cross_entropy_with_logits(x, target(x), weight(x)),
            lambda x: TF.binary_cross_entropy_with_logits(x, target(x), weight(x)),
        ),
        (
            lambda x: F.binary_cross_entropy_with_logits(x * 1e4, target(x), weight(x, (0, 0))),
            lambda x: TF.binary_cross_entropy_with_logits(x * 1e4, target(x), weight(x, (0, 0))),
        ),
        (lambda x: F.cross_entropy(x, LABELS), lambda x: TF.cross_entropy(x.movedim(-1, 1), torch.tensor(LABELS))),
        (lambda x: x.mean(1).sum(), lambda x: x.mean(1).sum()),
        (lambda x: (x**2) ** 0.5 + 2**x, lambda x: (x**2) ** 0.5 + 2**x),
        (lambda x: x @ x.transpose(0, 2, 1), lambda x: x @ x.mT),
        (lambda x: 3 / (x * x + 1) - x / 2, lambda x: 3 / (x * x + 1) - x / 2),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_elementwise_and_losses(ours, theirs, dtype):
    values = VALUES.astype(dtype)
    (a,), b = leaves(values), torch.tensor(values, requires_grad=True)
    y, z = ours(a), theirs(b)
    assert y.dtype == dtype
    rtol = 1e-10 if dtype is np.float64 else 2e-5
    np.testing.assert_allclose(y.data, z.detach().numpy(), rtol=rtol, atol=rtol)
    grad = np.ones(y.shape, dtype)
    y.backward(grad)
    z.backward(torch.tensor(grad))
    np.testing.assert_allclose(a.grad, b.grad.numpy(), rtol=rtol, atol=rtol)


def test_certain_predictions():
    p, t = np.array([0.0, 0.0, 1.0, 1.0, 0.5]), np.array([0.0, 1.0, 0.0, 1.0, 1.0])
    (a,), b = leaves(p), torch.tensor(p, requires_grad=True)
    y, z = F.binary_cross_entropy(a, t), TF.binary_cross_entropy(b, torch.tensor(t))
    y.backward()
    z.backward()
    assert y.item() == pytest.approx(z.item(), rel=1e-12)
    np.testing.assert_allclose(a.grad, b.grad.numpy(), rtol=1e-6)  # its 1e-12 is a float32


def test_upsample_and_concat():
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 2))
    np.testing.assert_array_equal(F.upsample2d(x, (2, 3)).data, back(TF.interpolate(there(x), scale_factor=(2, 3))))
    np.testing.assert_array_equal(F.concat([x, 2 * x]).data, back(torch.cat([there(x), 2 * there(x)], 1)))
