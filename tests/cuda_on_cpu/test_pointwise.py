"""Pooling, activations, loss and Adam on the host shim, every float32 and float64 instance, against the float64 reference."""

from __future__ import annotations

import numpy as np
import pytest

from minunet.kernels import dispatch, primitives
from tests.cuda_on_cpu.build import compiler
from tests.cuda_on_cpu.cases import TYPES, agree, check, cuda_on_cpu, in_float64, values

pytestmark = [
    pytest.mark.skipif(compiler() is None, reason="g++ is not installed"),
    pytest.mark.parametrize("schedule", ["lazy", "eager"]),
]
every_type = pytest.mark.parametrize("dtype", TYPES)
both_types = pytest.mark.parametrize("dtype", ["float32", "float64"])

# x (N, H, W, C), window, stride, padding
POOLS = {
    "2x2": ((2, 5, 7, 3), (2, 2), (2, 2), (0, 0)),
    "one pixel": ((1, 1, 1, 130), (1, 1), (1, 1), (0, 0)),
    "overlap": ((1, 6, 5, 16), (3, 2), (1, 2), (1, 1)),
    "gaps": ((2, 7, 8, 1), (2, 3), (3, 4), (1, 0)),
    "over 256 pixels": ((1, 20, 19, 2), (17, 16), (2, 3), (8, 5)),
}


@every_type
@pytest.mark.parametrize("shape", POOLS.values(), ids=POOLS)
def test_pooling(shape, dtype, schedule):
    x_shape, *window = shape
    rng = np.random.default_rng(0)
    x = values(rng, x_shape, dtype)
    check("max_pool2d", x, *window, schedule=schedule, dtype=dtype)
    check("sum_pool2d", x, *window, schedule=schedule, dtype=dtype)
    y, argmax = primitives.max_pool2d.reference(x, *window)
    grad = values(rng, y.shape, dtype)
    check("max_pool2d_grad", grad, argmax, x_shape, *window, schedule=schedule, dtype=dtype)
    check("sum_pool2d_grad", grad, x_shape, *window, schedule=schedule, dtype=dtype)


def test_ties_and_not_a_number(schedule):
    """The first of equals wins, and NaN wins over everything."""
    x = np.array([[1, 1, 2, np.nan], [1, 1, np.inf, 5], [-np.inf, -np.inf, 3, 3]], np.float32).reshape(1, 3, 4, 1)
    check("max_pool2d", x, (2, 2), (1, 1), (1, 1), schedule=schedule, dtype="float32")


@every_type
@pytest.mark.parametrize("name", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("shape", [(), (1,), (5, 7, 11)], ids=str)
def test_activations(name, shape, dtype, schedule):
    rng = np.random.default_rng(1)
    x = values(rng, shape, dtype) * 4
    check(name, x, schedule=schedule, dtype=dtype)
    check(f"{name}_grad", values(rng, shape, dtype), values(rng, shape, dtype), schedule=schedule, dtype=dtype)


@every_type
def test_activations_of_extreme_values(dtype, schedule):
    x = np.array([-1e4, -90, 90, 1e4, np.nan, np.inf, -np.inf], dtype)
    for name in ("relu", "tanh", "sigmoid"):
        check(name, x, schedule=schedule, dtype=dtype)


@every_type
@pytest.mark.parametrize(("shape", "axis"), [((7, 3), -1), ((2, 70, 3), 1), ((1,), 0), ((3, 1, 5), 0)], ids=str)
def test_softmax(shape, axis, dtype, schedule):
    rng = np.random.default_rng(2)
    x = values(rng, shape, dtype)
    x.reshape(-1)[0] = 1e4  # no score is too large
    check("softmax", x, axis, schedule=schedule, dtype=dtype)
    grad, y = (values(rng, shape, dtype) for _ in range(2))
    check("softmax_grad", grad, y, axis, schedule=schedule, dtype=dtype)


@both_types
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(), (3, 1, 1, 1), (2, 13, 11, 1)], ids=str)
def test_cross_entropy(shape, weighted, dtype, schedule):
    rng = np.random.default_rng(3)
    logits = values(rng, shape, dtype) * 30
    if logits.size > 5:
        logits.reshape(-1)[:4] = 1e4, -1e4, 1e4, -1e4  # no logit is too large
    target = np.asarray(rng.random(shape).astype(dtype))
    weight = np.asarray(rng.random(shape).astype(dtype) + 0.5) if weighted else None
    check("bce_with_logits", logits, target, weight, schedule=schedule, dtype=dtype)
    scale = np.asarray(0.7, dtype)
    check("bce_with_logits_grad", scale, logits, target, weight, schedule=schedule, dtype=dtype)


@both_types
@pytest.mark.parametrize("tensors", [1, 5, 70])
def test_adam(tensors, dtype, schedule):
    """Several sizes in one launch, up to 64 tensors each; the kernel works in place."""
    rng = np.random.default_rng(4)
    sizes = [(1,), (4097,), (3, 3, 2, 5), (0,), (8193,)] if tensors == 5 else [(k + 1,) for k in range(tensors)]
    groups = [[values(rng, size, dtype) for size in sizes] for _ in range(3)]
    groups.append([np.abs(values(rng, size, dtype)) for size in sizes])
    hyper = 3, 0.01, (0.9, 0.999), 1e-8, 0.1
    expected = [in_float64(group) for group in groups]
    with dispatch.prefer("reference"):
        primitives.adam(*expected, *hyper)
    with cuda_on_cpu(schedule) as host:
        primitives.adam(*groups, *hyper)
    assert sum(host.launches.values()) == (2 if tensors == 70 else 1)
    for found, wanted in zip(groups, expected, strict=True):
        agree(tuple(found), tuple(wanted), 2e-6 if dtype == "float32" else 1e-12, "adam")
