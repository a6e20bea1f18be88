"""Steps of small networks, with a recorded pass and without one."""

import numpy as np
import pytest

import minunet
from minunet.nn import recorded_pass

SHAPE = (2, 16, 16, 1)
STEPS = recorded_pass.SEEN_BEFORE + 3
PLAIN = {"base_channels": 2, "depth": 1, "variant": "classic"}


def network(**settings):
    return minunet.UNet(**{**PLAIN, **settings}, rng=np.random.default_rng(5))


def batch(seed, shape=SHAPE):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def is_recorded(output):
    return isinstance(output.creator, recorded_pass.RecordedPass)


def gradients(model):
    return [None if parameter.grad is None else parameter.grad.copy() for parameter in model.parameters()]


def step(model, seed, shape=SHAPE):
    """Whether a recording was used, the output, and the gradients."""
    x = batch(seed, shape)
    model.zero_grad()
    output = model(x)
    recorded = is_recorded(output)
    error = output - batch(seed + 1000, output.shape)
    (error * error).mean().backward()
    return recorded, output.data, gradients(model)


def unrecorded_step(model, seed, shape=SHAPE):
    """The same by the network itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorded_pass, "recorded_output", lambda *args: None)
        return step(model, seed, shape)


def assert_same_bits(found, expected):
    for array, right in zip([found[1], *found[2]], [expected[1], *expected[2]], strict=True):
        assert (array is None) == (right is None)
        if array is not None:
            assert array.tobytes() == right.tobytes()


def trained(model, shape=SHAPE):
    """The network after so many steps that its pass is recorded."""
    for seed in range(STEPS):
        recorded, *_ = step(model, seed, shape)
    assert recorded
    return model
