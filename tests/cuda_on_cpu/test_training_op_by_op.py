"""A whole training step of a U-Net through the CUDA launch code, on the host shim, equals the step in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from minunet import UNet, no_grad, optim
from minunet.functional import binary_cross_entropy_with_logits
from minunet.kernels import dispatch
from minunet.kernels.cuda import devices
from tests.cuda_on_cpu.checks import needs_compiler
from tests.cuda_on_cpu.device_checks.comparison import values
from tests.cuda_on_cpu.shim.host_launcher import cuda_on_cpu

pytestmark = needs_compiler


def train(steps: int, **config):
    """(losses, parameters, probabilities of a new image) after a few steps of Adam on an image of odd size."""
    rng = np.random.default_rng(0)
    model = UNet(in_channels=3, base_channels=2, depth=2, rng=np.random.default_rng(1), **config)
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    images, masks = values(rng, (2, 9, 11, 3), "float32"), rng.integers(0, 2, (2, 9, 11, 1)).astype(np.float32)
    losses = []
    for _ in range(steps):
        loss = binary_cross_entropy_with_logits(model(images), masks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with no_grad():
        logits = model(values(rng, (1, 6, 5, 3), "float32")).data
    return losses, model.state_dict(), logits


@pytest.mark.parametrize("schedule", ["lazy", "eager"])
@pytest.mark.parametrize(
    "config",
    [{"variant": "paper"}, {"variant": "classic", "activation": "tanh", "pooling": "average"}],
    ids=["paper", "classic, tanh, average"],
)
def test_step_equals_numpy(config, schedule):
    losses, weights, logits = train(3, **config)
    with cuda_on_cpu(schedule) as host:
        found_losses, found_weights, found_logits = train(3, **config)
    assert np.allclose(found_losses, losses, rtol=1e-5)
    for name, weight in weights.items():
        assert np.allclose(found_weights[name], weight, rtol=1e-3, atol=2e-5), name
    assert np.allclose(found_logits, logits, rtol=1e-3, atol=1e-4)
    ran = {source for source, _ in host.launches}
    assert {"convolution.cu", "weight_gradient.cu", "pooling.cu", "loss.cu", "adam.cu"} <= ran
    assert host.launches["adam.cu", "adam<float>"] == 3  # one launch a step


def test_every_primitive_has_a_kernel():
    """What the U-Net calls runs on hand-written kernels; a primitive without one would run CuPy's own."""
    without = [
        name
        for name, primitive in dispatch.primitives().items()
        if not any(candidate.name == "cuda" for candidate in primitive.all_candidates())
    ]
    # Neither is called there: signs are kept of NumPy arrays only, and cuBLAS has the matrix product.
    assert without == ["is_positive", "matmul"]


def test_numpy_arrays_stay_on_the_cpu():
    """Outside the tests' context no NumPy array is offered to a CUDA kernel, and CuPy is not imported."""
    x = np.ones((1, 4, 4, 2), np.float32)
    assert not devices.on_device(x)
    conv2d = dispatch.primitives()["conv2d"]
    args = (x,), np.ones((3, 3, 2, 2), np.float32), None, (1, 1), ((1, 1), (1, 1)), None
    assert "cuda" not in [candidate.name for candidate in conv2d.candidates(*args)]
    with cuda_on_cpu():
        assert conv2d.choose(*args).name == "cuda"
    assert conv2d.choose(*args).name != "cuda"
