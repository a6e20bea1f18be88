"""Gradients of convolutions that take the places of activations: only of those that nobody can see any more."""

import numpy as np
import pytest

import minunet
from minunet import Tensor
from minunet import functional as F
from minunet.kernels.dispatch import intercept_calls, prefer
from minunet.kernels.primitives import OVERWRITE

SIZE, CHANNELS = (2, 128, 256), 16  # activations of 4 MB: large enough for their gradients to take their places
rng = np.random.default_rng(0)
IMAGE = rng.standard_normal((*SIZE, CHANNELS)).astype(np.float32)
KERNELS = [(rng.standard_normal((k, k, CHANNELS, CHANNELS)) / 12).astype(np.float32) for k in (3, 3, 1)]
BIAS = (rng.standard_normal(CHANNELS) / 9).astype(np.float32)
LABELS = ("im2col", "winograd-4x4", "winograd-6x6", "winograd-6x1")


def chain(parameters, activation="relu", hold=None):
    """Three convolutions, then a sum whose gradients differ from pixel to pixel; `hold` is given the activations between them."""
    x = Tensor(IMAGE)
    for kernel, bias in zip(*parameters, strict=True):
        x = F.conv2d(x, kernel, bias, padding="same", activation=activation)
        if hold is not None:
            hold.append(x)
    return (x * IMAGE).sum()


def new_parameters():
    return [Tensor(k, requires_grad=True) for k in KERNELS], [Tensor(BIAS, requires_grad=True) for _ in KERNELS]


def gradients(parameters):
    return [p.grad for group in parameters for p in group]


@pytest.fixture
def overwritten():
    """The kinds of gradients of inputs that are asked for, call by call."""
    kinds = []

    def note(primitive, args):
        if primitive.name == "conv2d_grads":
            kinds.append(args[-1][0])
        return primitive.choose(*args).run(*args)

    with intercept_calls(note):
        yield kinds


@pytest.mark.parametrize("activation", ["relu", None])
@pytest.mark.parametrize("label", LABELS)
def test_gradients_have_the_same_bits_wherever_they_lie(label, activation, overwritten):
    held, in_place, elsewhere = [], new_parameters(), new_parameters()
    with prefer(label):
        chain(in_place, activation).backward()
        assert overwritten == [(OVERWRITE,), (OVERWRITE,), (False,)]
        overwritten.clear()
        chain(elsewhere, activation, held).backward()
        assert overwritten == [(True,), (True,), (False,)]
    for one, other in zip(gradients(in_place), gradients(elsewhere), strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize(
    "keep",
    [
        lambda x: x,
        lambda x: x.data,
        lambda x: x.data[1, 3:, ::2],
        lambda x: x.detach(),
        lambda x: x.reshape(-1)[:5],
        lambda x: memoryview(x.data),
    ],
    ids=["tensor", "array", "part", "detached", "derived", "buffer"],
)
def test_what_somebody_holds_keeps_its_values(keep):
    parameters, activations = new_parameters(), []
    loss = chain(parameters, hold=activations)
    held = [keep(x) for x in activations]
    before = [np.array(x.data if isinstance(x, Tensor) else x) for x in held]
    activations.clear()
    loss.backward()
    for values, x in zip(before, held, strict=True):
        np.testing.assert_array_equal(x.data if isinstance(x, Tensor) else x, values)


@pytest.mark.parametrize(
    "reader",
    [
        lambda x: F.max_pool2d(x).sum(),
        lambda x: (x * x).sum(),
        lambda x: F.sigmoid(x).sum(),
        lambda x: F.conv2d(x, KERNELS[1], padding=1).sum(),
        lambda x: F.conv2d((x, x), np.concatenate(KERNELS[:2], axis=2), padding=1).sum(),
        lambda x: F.conv_transpose2d(x, KERNELS[0][:2, :2]).sum(),
        lambda x: x.sum(),
    ],
    ids=["pool", "multiply", "sigmoid", "conv", "conv of two", "up", "sum"],
)
@pytest.mark.parametrize("first", [True, False])
def test_an_activation_with_several_readers(reader, first):
    """Whichever reader comes first in the backward pass, the others find what they need."""
    found = []
    for hold in (False, True):
        kernel, bias = Tensor(KERNELS[0], requires_grad=True), Tensor(BIAS, requires_grad=True)
        x = F.conv2d(IMAGE, kernel, bias, padding=1, activation="relu")
        kept = x if hold else None
        terms = [F.conv2d(x, KERNELS[1], padding=1).sum(), reader(x)]
        del x
        loss = terms[0] + terms[1] if first else terms[1] + terms[0]
        del terms
        loss.backward()
        found.append((kernel.grad.tobytes(), bias.grad.tobytes()))
        del kept
    assert found[0] == found[1]


def test_the_gradient_of_a_tensor_of_the_user_is_a_new_array():
    x = Tensor(IMAGE.copy(), requires_grad=True)
    F.conv2d(x, KERNELS[0], padding=1).sum().backward()
    np.testing.assert_array_equal(x.data, IMAGE)
    assert not np.shares_memory(x.grad, x.data)


def test_a_backward_pass_that_was_interrupted_cannot_begin_again():
    """Its activations may have become gradients: a second pass would compute something else, and say nothing."""
    parameters = new_parameters()
    loss = chain(parameters)

    def interrupt(primitive, args):
        if primitive.name == "conv2d_grads":
            raise KeyboardInterrupt
        return primitive.choose(*args).run(*args)

    with intercept_calls(interrupt), pytest.raises(KeyboardInterrupt):
        loss.backward()
    with pytest.raises(RuntimeError, match="backward has already run through part of this graph"):
        loss.backward()


@pytest.mark.parametrize("hold", [False, True])
def test_infinite_gradients_where_the_relu_was_not_active_become_zero(hold):
    bias = np.where(np.arange(CHANNELS) % 2, -100, 0).astype(np.float32)  # half of the channels are never active
    kernel, infinite = Tensor(KERNELS[0], requires_grad=True), np.full_like(KERNELS[2], np.inf)
    x = F.conv2d(IMAGE, kernel, bias, padding=1, activation="relu")
    kept = x if hold else None
    with np.errstate(all="ignore"):
        y = F.conv2d(x, infinite)
        del x
        y.backward(np.ones(y.shape, np.float32))
    del kept
    assert not kernel.grad[..., 1::2].any()
    assert not np.isfinite(kernel.grad[..., ::2]).any()


def test_features_and_predictions_are_not_touched_by_a_later_backward_pass():
    model = minunet.UNet(base_channels=8, depth=2)
    image = IMAGE[..., :1]
    logits = model(image)
    before = logits.data.copy()
    loss = F.binary_cross_entropy_with_logits(logits, image > 0)
    loss.backward()
    np.testing.assert_array_equal(logits.data, before)
