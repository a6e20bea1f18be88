"""The tensor-core kernels on the host shim, every instance, in bfloat16 and tf32, against float64 on the same rounded factors."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from minunet.kernels import dispatch, primitives
from minunet.kernels.cuda import (
    ampere_convolution,
    ampere_weight_gradient,
    launcher,
    tensor_core_primitives,
    tensor_cores,
)
from minunet.kernels.cuda.dtypes import BFLOAT16
from minunet.kernels.cuda.precision import use_precision
from minunet.kernels.cuda.window import forward_window, input_gradient_windows
from tests.cuda_on_cpu import products
from tests.cuda_on_cpu.build import compiler
from tests.cuda_on_cpu.cases import agree, check, cuda_on_cpu, needs_bfloat16, parameters, values
from tests.cuda_on_cpu.host import SCHEDULES, HostLauncher

pytestmark = [
    pytest.mark.skipif(compiler() is None, reason="g++ is not installed"),
    pytest.mark.parametrize("schedule", ["lazy", "eager"]),
    pytest.mark.parametrize("dtype", ["float32", pytest.param("bfloat16", marks=needs_bfloat16)], ids=["tf32", "bf16"]),
]
# A tf32 factor is off by at most 2^-11; the largest of a result's errors stays below one such step of the largest result.
TOLERANCE = {"float32": 1e-3, "bfloat16": 6e-3}

# images (N, H, W), channels of each source, output channels, kernel, stride, padding
SHAPES = {
    "16 to 64": ((2, 5, 7), (16,), 64, (3, 3), (1, 1), ((1, 1), (1, 1))),
    "two sources": ((1, 9, 13), (64, 72), 16, (3, 3), (1, 1), ((1, 1), (1, 1))),
    "one pixel, 130 channels": ((1, 1, 1), (130,), 130, (3, 3), (1, 1), ((1, 1), (1, 1))),
    "grey image": ((1, 11, 6), (1,), 64, (3, 3), (1, 1), ((1, 1), (1, 1))),
    "head": ((2, 6, 5), (64,), 1, (1, 1), (1, 1), ((0, 0), (0, 0))),
    "stride 2": ((1, 9, 8), (3,), 72, (3, 2), (2, 3), ((0, 1), (1, 0))),
}
UP = {
    "2x2": ((2, 3, 5), 64, 16, (2, 2), (2, 2), (0, 0)),
    "3x1, stride 3x1": ((1, 4, 3), 3, 130, (3, 1), (3, 1), (1, 0)),
    "stride 1": ((1, 5, 4), 16, 8, (3, 2), (1, 1), (1, 0)),
}


def tensor_check(name, *args, schedule, dtype):
    """The weights are rounded beforehand, so that the reference multiplies the same factors."""
    with use_precision("tf32"):
        return check(
            name, *args, schedule=schedule, dtype=dtype, tolerance=TOLERANCE[dtype], prefer="cuda-tensor-cores"
        )


def weights(rng, shape, dtype):
    """float32 weights that bfloat16 holds exactly."""
    made = parameters(rng, shape, dtype)
    return made if dtype == "float32" else (made.view(np.uint32) & 0xFFFF0000).view(np.float32)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_convolution(shape, dtype, schedule):
    images, widths, outs, kernel, stride, padding = shape
    rng = np.random.default_rng(0)
    xs = tuple(values(rng, (*images, c), dtype) for c in widths)
    weight, bias = weights(rng, (*kernel, sum(widths), outs), dtype), parameters(rng, (outs,), dtype)
    tensor_check("conv2d", xs, weight, bias, stride, padding, "relu", schedule=schedule, dtype=dtype)
    size = primitives.out_size(images[1:], kernel, stride, padding)
    grad, output = (values(rng, (images[0], *size, outs), dtype) for _ in range(2))
    output = np.maximum(output.astype(np.float32), 0).astype(dtype)
    needs = (True,) * len(xs), True, True
    tensor_check("conv2d_grads", grad, xs, weight, output, stride, padding, needs, schedule=schedule, dtype=dtype)


@pytest.mark.parametrize("shape", UP.values(), ids=UP)
def test_up_convolution(shape, dtype, schedule):
    images, channels, outs, kernel, stride, padding = shape
    rng = np.random.default_rng(1)
    x, weight = values(rng, (*images, channels), dtype), weights(rng, (*kernel, channels, outs), dtype)
    bias = parameters(rng, (outs,), dtype)
    tensor_check("conv_transpose2d", x, weight, bias, stride, padding, schedule=schedule, dtype=dtype)
    size = primitives.conv_transpose_out_size(images[1:], kernel, stride, padding)
    grad = values(rng, (images[0], *size, outs), dtype)
    args = grad, x, weight, stride, padding, (True, True, True)
    tensor_check("conv_transpose2d_grads", *args, schedule=schedule, dtype=dtype)


def test_splits_of_many_pixels(dtype, schedule):
    """Several rounds of the pipeline and several partial sums; two runs give the same bits."""
    rng = np.random.default_rng(2)
    x, grad = values(rng, (2, 23, 19, 8), dtype), values(rng, (2, 23, 19, 72), dtype)
    weight = weights(rng, (1, 3, 8, 72), dtype)
    args = grad, (x,), weight, None, (1, 1), ((0, 0), (1, 1)), ((False,), True, False)
    host = tensor_check("conv2d_grads", *args, schedule=schedule, dtype=dtype)
    assert host.launches["sums.cu", "sum_splits<float>"] == 1
    with cuda_on_cpu(schedule, "cuda-tensor-cores"), use_precision("tf32"):
        first, second = primitives.conv2d_grads(*args)[1], primitives.conv2d_grads(*args)[1]
    assert np.array_equal(first, second)


def test_epilogues(dtype, schedule):
    """Bias, ReLU, pooling and its places in one launch; masks and two destinations in another."""
    rng = np.random.default_rng(3)
    same = (1, 1), ((1, 1), (1, 1))
    x, weight, bias = (
        values(rng, (2, 6, 10, 16), dtype),
        weights(rng, (3, 3, 16, 72), dtype),
        values(rng, (72,), "float32"),
    )
    with cuda_on_cpu(schedule) as host, launcher.use(host):
        y, pooled = host.empty((2, 6, 10, 72), x.dtype), host.empty((2, 3, 5, 72), x.dtype)
        argmax = host.empty((2, 3, 5, 72), np.uint8)
        window = forward_window((x,), weight, *same, (6, 10))
        used = weight.astype(dtype)
        tensor_cores.convolve([window], (x,), used, (y,), bias=bias - 0.9, relu=True, pooled=pooled, argmax=argmax)
        best, place = primitives.max_pool2d.reference(y.astype(np.float32), (2, 2), (2, 2), (0, 0))
        agree(pooled, best.astype(dtype), 0)
        assert np.array_equal(argmax, place)
        expected = primitives.conv2d.reference(
            (x.astype(np.float64),), weight.astype(np.float64), bias - 0.9, *same, "relu"
        )
        assert (expected == 0).any()
        agree(y, expected, TOLERANCE[dtype])

        grad, xs = values(rng, (2, 6, 10, 72), dtype), tuple(values(rng, (2, 6, 10, c), dtype) for c in (64, 16))
        weight = weights(rng, (3, 3, 80, 72), dtype)
        outs = tuple(host.empty(part.shape, part.dtype) for part in xs)
        windows = input_gradient_windows(grad, xs, weight, *same)
        tensor_cores.convolve(windows, (grad,), weight.astype(dtype), outs, masks=xs)
        wide = tuple(part.astype(np.float64) for part in xs)
        needs = (True, True), False, False
        expected, _, _ = primitives.conv2d_grads.reference(
            grad.astype(np.float64), wide, weight.astype(np.float64), None, *same, needs
        )
        agree(outs, tuple(g * (part > 0) for g, part in zip(expected, wide, strict=True)), TOLERANCE[dtype])


def test_when_tensor_cores_are_chosen(dtype, schedule):
    """bfloat16 always takes them; float32 where tf32 is allowed; joined sources that do not fill chunks never."""
    rng = np.random.default_rng(4)
    conv2d, same = dispatch.primitives()["conv2d"], ((1, 1), ((1, 1), (1, 1)), None)

    def chosen(*channels):
        xs = tuple(values(rng, (1, 8, 8, c), dtype) for c in channels)
        return conv2d.choose(xs, parameters(rng, (3, 3, sum(channels), 8), dtype), None, *same).name

    with cuda_on_cpu(schedule, "reference") as host, launcher.use(host):
        pass
    with launcher.use(host):
        assert chosen(16, 16) == ("cuda" if dtype == "float32" else "cuda-tensor-cores")
        with use_precision("tf32"):
            assert chosen(16, 16) == chosen(3) == "cuda-tensor-cores"
            assert chosen(16, 3) == "cuda"
    with pytest.raises(ValueError, match="precision must be one of fp32, tf32, bf16"), use_precision("fp8"):
        pass


def test_dividers(dtype, schedule):
    """Division by one multiplication is exact below 2^31, by every small divisor and by awkward large ones."""
    numbers = np.unique(
        np.concatenate([np.arange(3000), 2**31 - 1 - np.arange(3000), 2 ** np.arange(31), 2 ** np.arange(31) - 1])
    )
    for divisor in [*range(1, 700), 4095, 4096, 4097, 65537, 2**30 + 1, 2**31 - 1]:
        d = ampere_weight_gradient.Divider.by(divisor)
        near = numbers if divisor < 700 else np.unique(np.concatenate([numbers, divisor - np.arange(2), [divisor]]))
        high = near.astype(object) * 2 * d.multiplier // 2**32
        assert np.array_equal((high // 2**d.shift).astype(np.int64), near // divisor), divisor


def test_channels_that_do_not_fill_chunks(dtype, schedule):
    assert tensor_core_primitives.padded_channels(1, dtype) == (8 if dtype == "bfloat16" else 4)
    assert tensor_core_primitives.padded_channels(72, dtype) == 72


@pytest.fixture
def one_multiprocessor(monkeypatch):
    """Few blocks suffice for the widest tile."""
    for module in (ampere_convolution, ampere_weight_gradient):
        monkeypatch.setattr(module, "MULTIPROCESSORS", 1)


def test_every_instance_runs(dtype, schedule, one_multiprocessor):
    """Right at channel counts that take each width of tile; floats are rounded on the way."""
    rng, ran = np.random.default_rng(5), set()
    for channels in (64, 72, 200):
        x, grad = (values(rng, (1, 3, 3, channels), dtype) for _ in range(2))
        weight = weights(rng, (3, 3, channels, channels), dtype)
        same = (1, 1), ((1, 1), (1, 1))
        host = tensor_check("conv2d", (x,), weight, None, *same, None, schedule=schedule, dtype=dtype)
        ran |= set(host.launches)
        args = grad, (x,), weight, None, *same, ((True,), True, False)
        ran |= set(tensor_check("conv2d_grads", *args, schedule=schedule, dtype=dtype).launches)
    assert ran >= instances(dtype, "true" if dtype == "float32" else "false")


def test_tf32_values_are_multiplied_as_they_are(dtype, schedule, one_multiprocessor):
    """Every instance that does not round, at shapes that no tile divides, with what the training step wants of it."""
    here = SimpleNamespace(launcher=HostLauncher(SCHEDULES[schedule]), put=np.asarray, get=np.asarray)
    for precision, what, run in products.passes(products.SM_80):
        limit = products.TOLERANCES.get(what, products.TOLERANCES[precision])
        for name in ("patches cut short", "two sources", "panels not filled", "to 256 channels", "from 256 channels"):
            if products.DTYPES[precision] == (np.float32 if dtype == "float32" else BFLOAT16):
                error = run(here, precision, products.CASES[name], products.SM_80, np.random.default_rng(6))
                assert error <= limit, f"{what}, {name}"
    assert set(here.launcher.launches) >= instances(dtype, "false")


def instances(dtype, rounding):
    """(program, instance) of all that multiply this type, and round it first or do not."""
    start, end = f"<{'bfloat16' if dtype == 'bfloat16' else 'float'},", f", {rounding}>"
    programs = ampere_convolution.CONVOLUTION, ampere_weight_gradient.WEIGHT_GRADIENT
    found = {(made.source, i) for made in programs for i in made.instances if start in i and i.endswith(end)}
    assert len(found) == 3 * 3  # tiles; weights read along and across, and the weight gradient
    return found
