"""The choice between the kernels of sm_80 and sm_90a, and what both do in a training step: epilogues, tf32 inputs."""

from __future__ import annotations

import re

import numpy as np
import pytest

from minunet.kernels import primitives
from minunet.kernels.cuda import ampere_convolution, ampere_weight_gradient, devices, tensor_cores
from minunet.kernels.cuda.arena import Arena
from minunet.kernels.cuda.dtypes import BFLOAT16
from minunet.kernels.cuda.window import forward_window, input_gradient_windows
from tests.cuda_on_cpu.checks import ampere_instances, every_schedule, needs_bfloat16, needs_compiler
from tests.cuda_on_cpu.device_checks.comparison import agree, bf16_weights, values
from tests.cuda_on_cpu.device_checks.convolution_passes import (
    CASES,
    SAME,
    SM_80,
    SM_80_ROUNDING,
    passes,
    tolerance,
)
from tests.cuda_on_cpu.device_checks.device_buffers import DTYPES
from tests.cuda_on_cpu.shim.host_device import HostDevice
from tests.cuda_on_cpu.shim.host_launcher import HostLauncher, cuda_on_cpu

pytestmark = needs_compiler
TOLERANCE = {"float32": 1e-3, "bfloat16": 6e-3}
tensor_core_types = pytest.mark.parametrize(
    "dtype", ["float32", pytest.param("bfloat16", marks=needs_bfloat16)], ids=["tf32", "bf16"]
)


@every_schedule
@tensor_core_types
def test_epilogues(dtype, schedule):
    """Bias, ReLU, pooling and its positions in one launch; masks and two outputs in another."""
    rng = np.random.default_rng(3)
    x, weight, bias = (
        values(rng, (2, 6, 10, 16), dtype),
        bf16_weights(rng, (3, 3, 16, 72), dtype),
        values(rng, (72,), "float32"),
    )
    with cuda_on_cpu(schedule) as host, devices.use(host):
        y, pooled = host.empty((2, 6, 10, 72), x.dtype), host.empty((2, 3, 5, 72), x.dtype)
        argmax = host.empty((2, 3, 5, 72), np.uint8)
        window = forward_window((x,), weight, *SAME, (6, 10))
        used = weight.astype(dtype)
        tensor_cores.convolve([window], (x,), used, (y,), bias=bias - 0.9, relu=True, pooled=pooled, argmax=argmax)
        best, place = primitives.max_pool2d.reference(y.astype(np.float32), (2, 2), (2, 2), (0, 0))
        agree(pooled, best.astype(dtype), 0)
        assert np.array_equal(argmax, place)
        expected = primitives.conv2d.reference(
            (x.astype(np.float64),), weight.astype(np.float64), bias - 0.9, *SAME, "relu"
        )
        assert (expected == 0).any()
        agree(y, expected, TOLERANCE[dtype])

        grad, xs = values(rng, (2, 6, 10, 72), dtype), tuple(values(rng, (2, 6, 10, c), dtype) for c in (64, 16))
        weight = bf16_weights(rng, (3, 3, 80, 72), dtype)
        outs = tuple(host.empty(part.shape, part.dtype) for part in xs)
        windows = input_gradient_windows(grad, xs, weight, *SAME)
        tensor_cores.convolve(windows, (grad,), weight.astype(dtype), outs, masks=xs)
        wide = tuple(part.astype(np.float64) for part in xs)
        needs = (True, True), False, False
        expected, _, _ = primitives.conv2d_grads.reference(
            grad.astype(np.float64), wide, weight.astype(np.float64), None, *SAME, needs
        )
        agree(outs, tuple(g * (part > 0) for g, part in zip(expected, wide, strict=True)), TOLERANCE[dtype])


@pytest.mark.ci
@every_schedule
@tensor_core_types
def test_inputs_that_are_tf32_already(dtype, schedule, monkeypatch):
    """Every instance that does not round, at shapes that no tile divides, with the epilogues of a training step."""
    for module in (ampere_convolution, ampere_weight_gradient):  # few blocks suffice for the widest tile
        monkeypatch.setattr(module, "MULTIPROCESSORS", 1)
    device = HostDevice(schedule)
    for precision, what, run in passes(SM_80):
        for name in ("patches cut short", "two sources", "panels not filled", "to 256 channels", "from 256 channels"):
            if DTYPES[precision] == (np.float32 if dtype == "float32" else BFLOAT16):
                error = run(device, precision, CASES[name], SM_80, np.random.default_rng(6))
                assert error <= tolerance(precision, what), f"{what}, {name}"
    assert set(device.launcher.launches) >= ampere_instances(dtype, "false")


@pytest.mark.ci
@pytest.mark.parametrize("which", list(passes(SM_80)), ids=lambda which: " ".join(which[:2]))
def test_the_same_cases_with_the_kernels_for_sm_80(which):
    precision, name, run = which
    for kernels in (SM_80, SM_80_ROUNDING):
        error = run(HostDevice(sm_90a=True), precision, CASES["two sources"], kernels, np.random.default_rng(0))
        assert error <= tolerance(precision, name)


def windows(images, channels, outs, dtype=BFLOAT16, sm_90a=True):
    arena = Arena(HostLauncher(sm_90a=sm_90a))
    xs = tuple(arena.alloc((*images, c), dtype) for c in channels)
    weight, y = arena.alloc((3, 3, sum(channels), outs), dtype), arena.alloc((*images, outs), dtype)
    return forward_window(xs, weight, *SAME, images[1:]), xs, y, weight


def test_when_the_hopper_kernels_are_chosen():
    """On sm_90, for wide layers; a float32 layer must be rounded to tf32 and have transposed weights."""
    for images, channels, outs, wanted in [
        ((2, 64, 64), (64,), 64, True),
        ((2, 64, 64), (128, 128), 128, True),
        ((16, 16, 16), (1024,), 1024, True),
        ((2, 64, 64), (16,), 16, False),
        ((2, 64, 64), (8,), 64, False),
        ((64, 3, 3), (64,), 64, False),
    ]:
        window, xs, y, _ = windows(images, channels, outs)
        why = tensor_cores.why_not_hopper(window, xs, (y,))
        assert (why is None) == wanted, (images, channels, outs)
        assert wanted or re.fullmatch(
            r"estimated to be slower with wgmma: \d+ % of its multiplications would be by padding zeros", why
        )
    window, xs, y, weight = windows((2, 64, 64), (64,), 64, np.dtype(np.float32))
    for options in ({"weight_transposed": weight}, {"round_to_tf32": True}):
        assert "already rounded to tf32" in tensor_cores.why_not_hopper(window, xs, (y,), **options)
    assert tensor_cores.why_not_hopper(window, xs, (y,), round_to_tf32=True, weight_transposed=weight) is None
    assert "tf32 operands transposed" in tensor_cores.why_not_hopper_gradient(window, y)
    (back,) = input_gradient_windows(y, xs, weight, *SAME)
    assert tensor_cores.why_not_hopper(back, (y,), xs, round_to_tf32=True) is None
    assert "one is not needed" in tensor_cores.why_not_hopper(back, (y,), (None,), round_to_tf32=True)
    window, xs, y, _ = windows((2, 64, 64), (64,), 64, sm_90a=False)
    assert tensor_cores.why_not_hopper(window, xs, (y,)) == "the test does without wgmma"
