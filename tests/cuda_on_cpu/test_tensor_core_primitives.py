"""The convolution primitives on tensor cores, on the host shim, against float64 with the same rounded factors."""

from __future__ import annotations

import numpy as np
import pytest

from minunet.kernels import dispatch, primitives
from minunet.kernels.cuda import ampere_convolution, ampere_weight_gradient, devices
from minunet.kernels.precision import use_precision
from tests.cuda_on_cpu.checks import ampere_instances, check, every_schedule, needs_bfloat16, needs_compiler
from tests.cuda_on_cpu.device_checks.comparison import bf16_weights, parameters, values
from tests.cuda_on_cpu.shim.host_launcher import HostLauncher, cuda_on_cpu

pytestmark = [
    pytest.mark.ci,
    needs_compiler,
    every_schedule,
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
TRANSPOSED_SHAPES = {
    "2x2": ((2, 3, 5), 64, 16, (2, 2), (2, 2), (0, 0)),
    "3x1, stride 3x1": ((1, 4, 3), 3, 130, (3, 1), (3, 1), (1, 0)),
    "stride 1": ((1, 5, 4), 16, 8, (3, 2), (1, 1), (1, 0)),
}


def tensor_check(name, *args, schedule, dtype):
    """The weights are rounded first, so that the reference multiplies the same factors."""
    with use_precision("tf32"):
        return check(
            name, *args, schedule=schedule, dtype=dtype, tolerance=TOLERANCE[dtype], prefer="cuda-tensor-cores"
        )


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_convolution(shape, dtype, schedule):
    images, widths, outs, kernel, stride, padding = shape
    rng = np.random.default_rng(0)
    xs = tuple(values(rng, (*images, c), dtype) for c in widths)
    weight, bias = bf16_weights(rng, (*kernel, sum(widths), outs), dtype), parameters(rng, (outs,), dtype)
    tensor_check("conv2d", xs, weight, bias, stride, padding, "relu", schedule=schedule, dtype=dtype)
    size = primitives.out_size(images[1:], kernel, stride, padding)
    grad, output = (values(rng, (images[0], *size, outs), dtype) for _ in range(2))
    output = np.maximum(output.astype(np.float32), 0).astype(dtype)
    needs = (True,) * len(xs), True, True
    tensor_check("conv2d_grads", grad, xs, weight, output, stride, padding, needs, schedule=schedule, dtype=dtype)


@pytest.mark.parametrize("shape", TRANSPOSED_SHAPES.values(), ids=TRANSPOSED_SHAPES)
def test_transposed_convolution(shape, dtype, schedule):
    images, channels, outs, kernel, stride, padding = shape
    rng = np.random.default_rng(1)
    x, weight = values(rng, (*images, channels), dtype), bf16_weights(rng, (*kernel, channels, outs), dtype)
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
    weight = bf16_weights(rng, (1, 3, 8, 72), dtype)
    args = grad, (x,), weight, None, (1, 1), ((0, 0), (1, 1)), ((False,), True, False)
    host = tensor_check("conv2d_grads", *args, schedule=schedule, dtype=dtype)
    assert host.launches["sums.cu", "sum_splits<float>"] == 1
    with cuda_on_cpu(schedule, "cuda-tensor-cores"), use_precision("tf32"):
        first, second = primitives.conv2d_grads(*args)[1], primitives.conv2d_grads(*args)[1]
    assert np.array_equal(first, second)


def test_when_tensor_cores_are_chosen(dtype, schedule):
    """bfloat16 always uses them; float32 if tf32 is allowed; joined sources whose channels do not fill chunks never."""
    rng = np.random.default_rng(4)
    conv2d, same = dispatch.primitives()["conv2d"], ((1, 1), ((1, 1), (1, 1)), None)

    def chosen(*channels):
        xs = tuple(values(rng, (1, 8, 8, c), dtype) for c in channels)
        return conv2d.choose(xs, parameters(rng, (3, 3, sum(channels), 8), dtype), None, *same).name

    with devices.use(HostLauncher()):
        assert chosen(16, 16) == ("cuda" if dtype == "float32" else "cuda-tensor-cores")
        with use_precision("tf32"):
            assert chosen(16, 16) == chosen(3) == "cuda-tensor-cores"
            assert chosen(16, 3) == "cuda"
    with pytest.raises(ValueError, match="precision must be one of fp32, tf32, bf16"), use_precision("fp8"):
        pass


def test_every_instance_runs(dtype, schedule, monkeypatch):
    """Right for channels of each width of tile; the kernels round floats to tf32."""
    for module in (ampere_convolution, ampere_weight_gradient):  # few blocks suffice for the widest tile
        monkeypatch.setattr(module, "MULTIPROCESSORS", 1)
    rng, ran = np.random.default_rng(5), set()
    for channels in (64, 72, 200):
        x, grad = (values(rng, (1, 3, 3, channels), dtype) for _ in range(2))
        weight = bf16_weights(rng, (3, 3, channels, channels), dtype)
        same = (1, 1), ((1, 1), (1, 1))
        host = tensor_check("conv2d", (x,), weight, None, *same, None, schedule=schedule, dtype=dtype)
        ran |= set(host.launches)
        args = grad, (x,), weight, None, *same, ((True,), True, False)
        ran |= set(tensor_check("conv2d_grads", *args, schedule=schedule, dtype=dtype).launches)
    assert ran >= ampere_instances(dtype, "true" if dtype == "float32" else "false")
