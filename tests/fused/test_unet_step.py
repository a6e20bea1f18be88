"""The fused training step on the host shim: its loss, logits, gradients and updates compared with NumPy's."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest

from minunet import UNet, optim
from minunet.fused.unet_step import UNetStep
from minunet.kernels import dispatch
from minunet.kernels.cuda import tensor_cores
from minunet.kernels.precision import use_precision
from tests.cuda_on_cpu.checks import needs_bfloat16, needs_compiler
from tests.cuda_on_cpu.device_checks.comparison import values
from tests.cuda_on_cpu.shim.host_launcher import SCHEDULES, HostLauncher, cuda_on_cpu
from tests.fused.example_step import (
    TOLERANCE,
    away_from_kinks,
    example,
    fused_plan,
    gradients,
    hold,
    hold_to_numpy,
    hold_update,
    view,
)

bf16 = pytest.param("bf16", marks=needs_bfloat16)
# Each kernel by itself is held under both schedules; test_the_step_is_repeatable compares them for a whole step.
every_schedule = pytest.mark.parametrize("schedule", ["lazy", pytest.param("eager", marks=pytest.mark.ci)])


@needs_compiler
@every_schedule
@pytest.mark.parametrize("variant", ["paper", "classic"])
def test_fused_equals_unfused(variant, schedule):
    """The ordinary step on the same tensor cores rounds alike: what is left is the order of sums."""
    model, batch, step, params = example(variant, "tf32", schedule)
    with cuda_on_cpu(schedule, "cuda"), dispatch.prefer("cuda-tensor-cores"), use_precision("tf32"):
        expected = gradients(model, batch)
    before = [p.copy() for p in params]
    step.run()
    hold(step, model, expected, 2e-5)

    hold_update(step, params, before)


@needs_compiler
@pytest.mark.parametrize("precision", ["tf32", bf16])
@every_schedule
@pytest.mark.parametrize("variant", ["paper", "classic"])
def test_step_equals_numpy(variant, schedule, precision):
    hold_to_numpy(*example(variant, precision, schedule), precision)


@needs_compiler
@pytest.mark.parametrize("precision", ["tf32", pytest.param("bf16", marks=[needs_bfloat16, pytest.mark.ci])])
def test_values_count_by_their_weights(precision):
    hold_to_numpy(*example("classic", precision, "lazy", depth=1, channels=(1, 2), weighted=True), precision)


@pytest.mark.ci
@needs_compiler
@pytest.mark.parametrize("precision", ["tf32", bf16])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_step_equals_numpy_by_the_kernels_of_sm_90a(precision, schedule, monkeypatch):
    """Every product that has one takes its kernel of sm_90a, on images that no patch divides."""
    monkeypatch.setattr(tensor_cores, "HOPPER_RATES", {2: math.inf, 4: math.inf})
    monkeypatch.setattr(tensor_cores, "HOPPER_GRADIENT_RATE", math.inf)
    wide = {"base_channels": 64, "depth": 1, "shape": (1, 16, 24), "sm_90a": True}
    model, batch, step, params = example("classic", precision, schedule, **wide)
    away_from_kinks(step, params, 0.1)
    expected = gradients(model, batch)
    host = step.arena.launcher.device
    host.launches.clear()
    step.set_learning_rate(1e-3)
    before = [p.copy() for p in params]
    step.run()
    ran = Counter()
    for (source, _), count in host.launches.items():
        ran[source] += count
    # The five 3x3 layers after the first, forward and back. In bf16 also the first, twice forward, and the weight gradients.
    assert ran["hopper_convolution.cu"] == (12 if precision == "bf16" else 10)
    assert ran["hopper_weight_gradient.cu"] == (6 if precision == "bf16" else 0)
    hold(step, model, expected, TOLERANCE[precision])
    hold_update(step, params, before, lr=1e-3)


@pytest.mark.ci
@needs_compiler
@pytest.mark.parametrize("outs", [16, 18])
def test_all_that_the_kernels_of_sm_90a_read_in_tf32_holds_tf32_values(outs, monkeypatch):
    """Images of many channels, weights that fill no chunk, the loss's gradient: the shim refuses factors that do not."""
    monkeypatch.setattr(tensor_cores, "HOPPER_RATES", {2: math.inf, 4: math.inf})
    wide = {"base_channels": 64, "depth": 1, "shape": (1, 2, 4), "sm_90a": True, "channels": (16, outs)}
    model, batch, step, params = example("paper", "tf32", "lazy", **wide)
    away_from_kinks(step, params, 0.1)
    expected = gradients(model, batch)
    step.set_learning_rate(1e-3)
    before = [p.copy() for p in params]
    step.run()
    hold(step, model, expected, TOLERANCE["tf32"])
    hold_update(step, params, before, lr=1e-3)


@needs_compiler
@pytest.mark.parametrize("precision", ["tf32", bf16])
def test_the_step_is_repeatable(precision, monkeypatch):
    """The same bits from the same start, under either schedule, with the output of the up-convolution saved or recomputed."""
    results, launches = [], []
    for shallow, schedule in itertools.product((0, 16), SCHEDULES.values()):
        monkeypatch.setattr("minunet.fused.unet_forward.SHALLOW", shallow)
        model, host = UNet(1, 2, base_channels=8, depth=1, rng=np.random.default_rng(2)), HostLauncher(schedule)
        params = [p.data for p in model.parameters()]
        step = UNetStep(model, optim.Adam(model.parameters()), (1, 6, 10, 1), host, fused_plan(precision))
        rng = np.random.default_rng(3)
        step.set_learning_rate(0.01)
        view(step, step.images)[...] = values(rng, (1, 6, 10, 1), "float32")
        view(step, step.targets)[...] = rng.integers(0, 2, (1, 6, 10, 2))
        step.run()
        step.run()
        results.append([p.copy() for p in params])
        launches.append(sum(host.launches.values()))
    assert all(np.array_equal(first, other) for first, *others in zip(*results, strict=True) for other in others)
    assert launches[0] == launches[1] < launches[2] == launches[3]
