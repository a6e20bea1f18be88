"""The fused training step on the host shim: its loss, logits, gradients and updates beside the NumPy step's."""

from __future__ import annotations

import dataclasses
import itertools
import sys

import numpy as np
import pytest

from cuda_on_cpu import cupy_on_cpu
from cuda_on_cpu.build import compiler
from cuda_on_cpu.cases import cuda_on_cpu, needs_bfloat16, values
from cuda_on_cpu.host import SCHEDULES, HostLauncher
from minunet import UNet
from minunet.functional import binary_cross_entropy_with_logits
from minunet.kernels import dispatch, reference
from minunet.kernels.cuda import captured, launcher
from minunet.kernels.cuda.precision import use_precision
from minunet.kernels.cuda.unet_forward import UNetForward
from minunet.kernels.cuda.unet_layers import layers_of, why_not
from minunet.kernels.cuda.unet_step import UNetStep

needs_compiler = pytest.mark.skipif(compiler() is None, reason="g++ is not installed")
bf16 = pytest.param("bf16", marks=needs_bfloat16)
# Of the largest element of each gradient: factors of 11 and 8 bits, through some ten layers.
TOLERANCE = {"tf32": 4e-3, "bf16": 6e-2}


def view(step: UNetStep, place) -> np.ndarray:
    """The NumPy array at a place; bfloat16 by way of ml_dtypes."""
    return step.arena.array(dataclasses.replace(place, dtype=np.dtype(place.dtype.name)))


def example(variant: str, precision: str, schedule: str):
    """(model, batch, fused step with the batch and a learning rate in place, its parameters' arrays)"""
    rng = np.random.default_rng(0)
    model = UNet(3, 1, base_channels=8, depth=2, variant=variant, rng=np.random.default_rng(1))
    images, targets = values(rng, (2, 8, 12, 3), "float32"), rng.integers(0, 2, (2, 8, 12, 1)).astype(np.float32)
    params = [p.data for p in model.parameters()]
    moments = [[np.zeros_like(p) for p in params] for _ in range(2)]
    step = UNetStep(
        model.config, params, *moments, images.shape, HostLauncher(SCHEDULES[schedule]), precision=precision
    )
    step.set_learning_rate(0.01)
    view(step, step.images)[...], view(step, step.targets)[...] = images, targets
    return model, (images, targets), step, params


def gradients(model, batch):
    """(loss, logits, gradients) of the ordinary step."""
    logits = model(batch[0])
    loss = binary_cross_entropy_with_logits(logits, batch[1])
    loss.backward()
    return loss.item(), logits.data, [p.grad for p in model.parameters()]


def hold(step, model, expected, tolerance):
    """Loss, logits and every gradient, relative to the largest element of each."""
    loss, logits, grads = expected
    assert abs(float(view(step, step.loss)) - loss) < tolerance
    assert np.abs(view(step, step.logits) - logits).max() < tolerance * np.abs(logits).max()
    for (name, _), found, wanted in zip(model.named_parameters(), step.grads, grads, strict=True):
        worst = np.abs(view(step, found) - wanted).max() / np.abs(wanted).max()
        assert worst < tolerance, f"{name}: {worst:.1e}"


def hold_update(step, params, before):
    """The update is Adam's, from these very gradients; the working copies of the weights follow the float32 ones."""
    moments = [np.zeros_like(p) for p in params], [np.zeros_like(p) for p in params]
    grads = [view(step, g).copy() for g in step.grads]
    reference.adam.reference.run(before, grads, *moments, 1, 0.01, (0.9, 0.999), 1e-8, 0.0)
    for p, wanted in zip(params, before, strict=True):
        assert np.allclose(p, wanted, rtol=1e-5, atol=1e-7)
    assert np.array_equal(view(step, step.clock)[:2], [1, 0.01])
    for layer in step.layers.all():
        copy = step.weights.of(layer)
        if copy is not params[layer.weight]:
            inner = view(step, copy)[:, :, : layer.shape[2], : layer.shape[3]]
            assert np.array_equal(inner, params[layer.weight].astype(copy.dtype.name))
    # The next steps go on from there: the memory is reused, and the loss falls.
    first = float(view(step, step.loss))
    for _ in range(2):
        step.run()
    assert view(step, step.clock)[0] == 3 and float(view(step, step.loss)) < first


@needs_compiler
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("variant", ["paper", "classic"])
def test_fused_equals_unfused(variant, schedule):
    """The ordinary step on the same tensor cores rounds alike: what is left is the order of sums."""
    model, batch, step, params = example(variant, "tf32", schedule)
    with cuda_on_cpu(schedule, "cuda"), dispatch.prefer("cuda-tensor"), use_precision("tf32"):
        expected = gradients(model, batch)
    before = [p.copy() for p in params]
    step.run()
    hold(step, model, expected, 2e-5)

    hold_update(step, params, before)


@needs_compiler
@pytest.mark.parametrize("precision", ["tf32", bf16])
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("variant", ["paper", "classic"])
def test_step_equals_numpy(variant, schedule, precision):
    """In full precision, where biases keep every ReLU away from its kink: a rounding that crosses it would move a gradient."""
    model, batch, step, params = example(variant, precision, schedule)
    for p in params:
        if p.ndim == 1:
            p[...] = 1.5
        else:
            p *= 0.2
    step.refresh()
    expected = gradients(model, batch)
    before = [p.copy() for p in params]
    step.run()
    hold(step, model, expected, TOLERANCE[precision])

    hold_update(step, params, before)


@needs_compiler
@pytest.mark.parametrize(
    ("variant", "precision"), [("paper", "tf32"), pytest.param("classic", "bf16", marks=needs_bfloat16)]
)
def test_inference_equals_the_steps_forward_pass(variant, precision):
    """Bit for bit, in less memory."""
    model, batch, step, params = example(variant, precision, "lazy")
    passing = UNetForward(model.config, params, batch[0].shape, HostLauncher(), precision=precision)
    view(passing, passing.images)[...] = batch[0]
    passing.run()
    passing.run()
    found = view(passing, passing.logits).copy()
    step.run()
    assert np.array_equal(found, view(step, step.logits))
    assert passing.arena.bytes < step.arena.bytes / 2
    passing.refresh()  # the step changed the weights
    passing.run()
    assert not np.array_equal(found, view(passing, passing.logits))


@needs_compiler
@pytest.mark.parametrize("precision", ["tf32", bf16])
def test_the_step_is_repeatable(precision, monkeypatch):
    """The same bits from the same start, under either schedule, and whether the up-convolution is kept or computed again."""
    found, launches = [], []
    for shallow, schedule in itertools.product((0, 16), SCHEDULES.values()):
        monkeypatch.setattr("minunet.kernels.cuda.unet_forward.SHALLOW", shallow)
        model, host = UNet(1, 2, base_channels=8, depth=1, rng=np.random.default_rng(2)), HostLauncher(schedule)
        params = [p.data for p in model.parameters()]
        moments = [[np.zeros_like(p) for p in params] for _ in range(2)]
        step = UNetStep(model.config, params, *moments, (1, 6, 10, 1), host, precision=precision)
        rng = np.random.default_rng(3)
        step.set_learning_rate(0.01)
        view(step, step.images)[...] = values(rng, (1, 6, 10, 1), "float32")
        view(step, step.targets)[...] = rng.integers(0, 2, (1, 6, 10, 2))
        step.run()
        step.run()
        found.append([p.copy() for p in params])
        launches.append(sum(host.launches.values()))
    assert all(np.array_equal(first, other) for first, *others in zip(*found, strict=True) for other in others)
    assert launches[0] == launches[1] < launches[2] == launches[3]


@pytest.mark.parametrize("variant", ["paper", "classic"])
def test_layers_are_the_models(variant):
    model = UNet(3, 2, base_channels=8, depth=3, variant=variant)
    shapes = [shape for layer in layers_of(model.config).all() for shape in (layer.shape, (layer.outs,))]
    assert shapes == [p.shape for p in model.parameters()]


def test_what_has_no_captured_step():
    config = UNet(base_channels=8, depth=2).config
    assert why_not(config, 8, 12) is None
    assert "multiples of 4, got 8x10" in why_not(config, 8, 10)
    assert "base_channels is 12" in why_not({**config, "base_channels": 12}, 8, 8)
    assert "ReLU and max pooling" in why_not({**config, "activation": "tanh"}, 8, 8)
    with pytest.raises(ValueError, match="multiples of 4"):
        UNetStep(config, [], [], [], (1, 6, 8, 1), HostLauncher())


@needs_compiler
def test_a_captured_step_replays_the_step(monkeypatch):
    """Two batches on their way at once, each used in its turn; the graph's steps are those of a step run by hand."""
    monkeypatch.setitem(sys.modules, "cupy", cupy_on_cpu.cupy())
    monkeypatch.setattr(launcher, "gpu", cupy_on_cpu.CapturingLauncher)
    model, _, step, params = example("classic", "tf32", "lazy")
    own = [p.copy().view(cupy_on_cpu.DeviceArray) for p in params]
    moments = [[np.zeros_like(p) for p in own] for _ in range(2)]
    replayed = captured.CapturedStep(model.config, own, *moments, (2, 8, 12, 3), precision="tf32")
    assert replayed.graph.launches > 50 and replayed.nbytes == step.arena.bytes
    with pytest.raises(RuntimeError, match="no batch was sent"):
        replayed.run(0.01)
    rng = np.random.default_rng(6)
    batches = [(rng.random((2, 8, 12, 3)), rng.integers(0, 2, (2, 8, 12, 1))) for _ in range(5)]
    sent = iter(batches)
    replayed.send(*next(sent))
    for k, (images, targets) in enumerate(batches):
        following = next(sent, None)
        if following is not None:
            replayed.send(*following)
        if k == 0:
            with pytest.raises(RuntimeError, match="2 batches are waiting already"):
                replayed.send(images, targets)
        replayed.run(0.01 / (k + 1))
        view(step, step.images)[...], view(step, step.targets)[...] = images, targets
        step.set_learning_rate(0.01 / (k + 1))
        step.run()
        assert replayed.loss() == float(view(step, step.loss))
        assert np.array_equal(replayed.logits(), view(step, step.logits))
    assert all(np.array_equal(a, b) for a, b in zip(own, params, strict=True))

    passing = captured.CapturedForward(model.config, own, (2, 8, 12, 3), precision="tf32")
    step.run()  # with the last batch, whose logits come from the weights as they now are
    assert np.array_equal(passing.run(batches[-1][0]), view(step, step.logits))
    replayed.resume(0)
    assert np.array_equal(view(replayed.step, replayed.step.clock)[:1], [0])
