"""Dry runs compared with real ones."""

import numpy as np
import pytest

import minunet
from minunet import functional as F
from minunet.kernels.dispatch import Primitive, intercept_calls, primitives
from minunet.kernels.dry_run import DryRun, dry_run
from tests.kernels.primitive_calls import CALLS, Draw


def shapes(result):
    """Shapes and dtypes of a primitive's result, nested as it is."""
    if isinstance(result, tuple):
        return tuple(shapes(part) for part in result)
    return None if result is None else (np.shape(result), np.asarray(result).dtype)


def step(model, x, target):
    F.binary_cross_entropy_with_logits(model(x), target).backward()


@pytest.mark.parametrize("variant", ["paper", "classic"])
@pytest.mark.parametrize("pooling", ["max", "average", "sum"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_every_call_of_a_training_step_has_the_real_shapes(variant, pooling, activation):
    model = minunet.UNet(2, 3, base_channels=3, depth=2, variant=variant, pooling=pooling, activation=activation)
    x, target = np.ones((2, 9, 6, 2), np.float32), np.ones((2, 9, 6, 3), np.float32)
    called = []

    def compare(primitive, args):
        real = primitive.choose(*args).run(*args)
        assert shapes(DryRun().answer(primitive, args)) == shapes(real), primitive.name
        called.append(primitive.name)
        return real

    with intercept_calls(compare):
        step(model, x, target)
        minunet.optim.Adam(model.parameters()).step()
    assert {"conv2d", "conv2d_grads", "conv_transpose2d", "conv_transpose2d_grads", "bce_with_logits", "adam"} <= set(
        called
    )


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_primitive_promises_the_shapes_and_dtypes_of_its_result(name, dtype):
    primitive = primitives()[name]
    for seed in range(8):
        args = CALLS[name](Draw(seed, dtype))
        assert shapes(DryRun().answer(primitive, args)) == shapes(primitive.reference(*args))


def test_a_primitive_without_the_shape_of_its_result_is_refused():
    with pytest.raises(TypeError, match="result_spec"):
        Primitive("shapeless", lambda x: x)


def test_peak_of_a_small_network_is_the_one_counted_by_hand():
    """Two 3x3 convolutions of 8 channels on 4x4 images without gradients: the first result dies after the second exists."""
    layers = minunet.nn.Sequential(
        minunet.nn.Conv2d(8, 8, 3, padding=1),
        minunet.nn.Conv2d(8, 8, 3, padding=1),
        minunet.nn.Conv2d(8, 8, 3, padding=1),
    )
    image = 4 * 4 * 8 * 4  # bytes of one (1, 4, 4, 8) float32 array
    with minunet.no_grad(), dry_run() as run:
        y = layers(np.zeros((1, 4, 4, 8), np.float32))
        assert run.live == image
    assert run.peak == 2 * image
    with dry_run() as run:
        y = layers(np.zeros((1, 4, 4, 8), np.float32))
        assert run.live == 3 * image  # the recorded operations keep what the gradients need
    del y


def test_nothing_is_computed_and_nothing_stays_alive():
    model = minunet.UNet(base_channels=64, depth=4)
    before = model.state_dict()
    with dry_run() as run:
        step(model, np.zeros((4, 512, 512, 1), np.float32), np.zeros((4, 512, 512, 1), np.float32))
        for parameter in model.parameters():
            parameter.grad = None
    assert run.live == 0
    assert run.peak > 4 * 512 * 512 * 64 * 4 * 10
    after = model.state_dict()
    assert all(np.array_equal(value, after[name]) for name, value in before.items())
