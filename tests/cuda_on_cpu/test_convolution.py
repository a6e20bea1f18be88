"""The portable convolution kernels on the host shim, every instance, at sizes and channel counts that no tile divides."""

from __future__ import annotations

import numpy as np
import pytest

from minunet.kernels import primitives
from tests.cuda_on_cpu.checks import check, every_schedule, every_type, needs_compiler
from tests.cuda_on_cpu.device_checks.comparison import agree, parameters, values
from tests.cuda_on_cpu.device_checks.shapes import CONVOLUTIONS, TRANSPOSED_CONVOLUTIONS
from tests.cuda_on_cpu.shim.host_launcher import cuda_on_cpu

pytestmark = [needs_compiler, every_schedule]
every_shape = pytest.mark.parametrize("shape", CONVOLUTIONS.values(), ids=CONVOLUTIONS)


def arguments(shape, dtype):
    images, widths, outs, kernel, stride, padding = shape
    rng = np.random.default_rng(5)
    xs = tuple(values(rng, (*images, c), dtype) for c in widths)
    weight, bias = parameters(rng, (*kernel, sum(widths), outs), dtype), parameters(rng, (outs,), dtype)
    size = primitives.out_size(images[1:], kernel, stride, padding)
    grad, output = (values(rng, (images[0], *size, outs), dtype) for _ in range(2))
    return xs, weight, bias, grad, np.maximum(output, 0), stride, padding


@every_type
@every_shape
def test_forward(shape, dtype, schedule):
    xs, weight, bias, _, _, stride, padding = arguments(shape, dtype)
    check("conv2d", xs, weight, bias, stride, padding, "relu", schedule=schedule, dtype=dtype)
    check("conv2d", xs, weight, None, stride, padding, None, schedule=schedule, dtype=dtype)


@every_type
@every_shape
def test_gradients(shape, dtype, schedule):
    xs, weight, _, grad, output, stride, padding = arguments(shape, dtype)
    needs = (True,) * len(xs), True, True
    check("conv2d_grads", grad, xs, weight, output, stride, padding, needs, schedule=schedule, dtype=dtype)


def test_gradients_that_are_not_needed(schedule):
    xs, weight, _, grad, _, stride, padding = arguments(CONVOLUTIONS["two sources"], "float32")
    for needs in (((False, True), False, True), ((True, False), True, False), ((False, False), False, False)):
        args = grad, xs, weight, None, stride, padding, needs
        with cuda_on_cpu(schedule):
            found = primitives.conv2d_grads(*args)
        agree(found, primitives.conv2d_grads.reference(*args), 2e-5)


@every_type
@pytest.mark.parametrize("shape", TRANSPOSED_CONVOLUTIONS.values(), ids=TRANSPOSED_CONVOLUTIONS)
def test_transposed_convolution(shape, dtype, schedule):
    images, channels, outs, kernel, stride, padding = shape
    rng = np.random.default_rng(6)
    x, weight = values(rng, (*images, channels), dtype), parameters(rng, (*kernel, channels, outs), dtype)
    bias = parameters(rng, (outs,), dtype)
    check("conv_transpose2d", x, weight, bias, stride, padding, schedule=schedule, dtype=dtype)
    size = primitives.conv_transpose_out_size(images[1:], kernel, stride, padding)
    grad = values(rng, (images[0], *size, outs), dtype)
    args = grad, x, weight, stride, padding, (True, True, True)
    check("conv_transpose2d_grads", *args, schedule=schedule, dtype=dtype)


def test_splits_are_added(schedule):
    """Enough pixels for several partial sums, whose order is fixed: two runs give the same bits."""
    rng = np.random.default_rng(7)
    x, weight = values(rng, (2, 25, 23, 3), "float32"), values(rng, (3, 3, 3, 5), "float32")
    grad = values(rng, (2, 25, 23, 5), "float32")
    args = grad, (x,), weight, None, (1, 1), ((1, 1), (1, 1)), ((False,), True, True)
    host = check("conv2d_grads", *args, schedule=schedule, dtype="float32")
    assert host.launches["sums.cu", "sum_splits<float>"] == 2
    with cuda_on_cpu(schedule):
        first, second = primitives.conv2d_grads(*args), primitives.conv2d_grads(*args)
    assert np.array_equal(first[1], second[1]) and np.array_equal(first[2], second[2])


def test_an_empty_batch(schedule):
    x, weight = np.zeros((0, 5, 5, 3), np.float32), np.ones((3, 3, 3, 2), np.float32)
    same = (1, 1), ((1, 1), (1, 1))
    with cuda_on_cpu(schedule):
        y = primitives.conv2d((x,), weight, None, *same, None)
        (grad_x,), grad_weight, grad_bias = primitives.conv2d_grads(y, (x,), weight, None, *same, ((True,), True, True))
    assert y.shape == (0, 5, 5, 2) and grad_x.shape == x.shape
    assert np.array_equal(grad_weight, np.zeros_like(weight)) and np.array_equal(grad_bias, np.zeros(2))


def test_parts_of_larger_arrays(schedule):
    """Views that are not contiguous are read correctly."""
    rng = np.random.default_rng(8)
    x = values(rng, (1, 6, 8, 5), "float32")[:, ::2, 1:7, ::2]
    weight = values(rng, (4, 3, 3, 3), "float32").transpose(1, 2, 3, 0)
    check("conv2d", (x,), weight, None, (1, 1), ((1, 1), (1, 1)), None, schedule=schedule, dtype="float32")
