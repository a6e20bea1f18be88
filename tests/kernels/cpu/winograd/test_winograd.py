"""Winograd's convolution against the plain one: every shape, padding and choice of gradients, any number of threads."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minunet
from minunet import functional as F
from minunet.kernels import primitives
from minunet.kernels.cpu import matmul, partition, threads
from minunet.kernels.cpu.winograd import block_sizes
from minunet.kernels.cpu.winograd.matrices import POINTS
from minunet.kernels.dispatch import prefer
from tests.kernels.cpu.conv_cases import (
    PRECISIONS,
    all_results,
    assert_close,
    cases,
    compare_forward,
    compare_gradients,
)

CANDIDATES = [*(f"winograd-{m}x{m}" for m in POINTS), "winograd-6x1"]


@pytest.mark.parametrize("candidate", CANDIDATES)
@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
@settings(max_examples=60, deadline=None)
@given(
    case=cases(kernels=st.just((3, 3))),
    by_tiles=st.booleans(),
    small=st.sampled_from([2_000, 50_000, 1_000_000]),
    block=st.sampled_from([matmul.MAX_IN_PLACE, math.inf]),
)
def test_equals_the_reference(candidate, dtype, tolerance, case, by_tiles, small, block):
    with pytest.MonkeyPatch.context() as patch:  # small limits make all kinds of blocks from small images
        patch.setattr(matmul, "max_block", lambda: block)
        patch.setattr(block_sizes, "MAX_PAIRS_BY_TILES", 1 << 30 if by_tiles else 0)
        sizes = block_sizes.BlockSizes(small, 512, 8, 32, min_tiles_per_channel=0)
        patch.setattr(block_sizes, "sizes_for_blas", lambda: sizes)
        patch.setattr(block_sizes, "MIN_CHANNELS_PER_JOB", 16)
        patch.setattr(block_sizes, "VALUES_PER_GROUP", 20 * small)
        patch.setattr(block_sizes, "VALUES_PER_STRIP", small)
        patch.setattr(block_sizes, "VALUES_PER_GRAD_STRIP", small)
        patch.setattr(partition, "MIN_VALUES_PER_BLOCK", small // 16)
        made = compare_forward(case, candidate, dtype, tolerance)
        compare_gradients(case, candidate, dtype, tolerance, *made)


@pytest.mark.parametrize("candidate", CANDIDATES)
@pytest.mark.parametrize("channels", [(16, 24), (192, 192)])
def test_the_same_bits_for_any_number_of_threads(candidate, channels, monkeypatch):
    results = []
    for count in (1, 2, 3, 2):
        monkeypatch.setattr(threads, "_num_threads", count)
        results.append(all_results(candidate, (50, 37), (3, 3), channels, (1, 1), ((1, 1), (1, 1))))
    assert all(result == results[0] for result in results)


@pytest.mark.parametrize("candidate", CANDIDATES)
@pytest.mark.parametrize("activation", [None, "relu"])
def test_gradcheck(candidate, activation):
    rng = np.random.default_rng(7)
    shapes = {"x": (2, 9, 7, 2), "skip": (2, 9, 7, 1), "weight": (3, 3, 3, 2), "bias": (2,)}
    inputs = [minunet.Tensor(rng.standard_normal(shape), requires_grad=True) for shape in shapes.values()]

    def convolution(x, skip, weight, bias):
        return F.conv2d((x, skip), weight, bias, padding=1, activation=activation)

    output = convolution(*inputs).data
    assert activation is None or np.abs(output[output > 0]).min() > 1e-4  # no kink within reach of the differences
    with prefer(candidate):
        call = (inputs[0].data, inputs[1].data), inputs[2].data, inputs[3].data, (1, 1), ((1, 1), (1, 1)), activation
        assert primitives.conv2d.choose(*call).name == candidate
        assert minunet.gradcheck(convolution, inputs)


@pytest.mark.parametrize("candidate", CANDIDATES)
def test_arrays_that_are_not_contiguous(candidate):
    rng = np.random.default_rng(5)
    x = rng.standard_normal((2, 9, 11, 12))[:, ::-1, :, 2:7]
    weight = rng.standard_normal((4, 5, 3, 3)).transpose(2, 3, 1, 0)
    call = ((x,), weight, None, (1, 1), ((1, 1), (1, 1)), None)
    expected = primitives.conv2d.reference(*call)
    with prefer(candidate):
        assert_close(primitives.conv2d(*call), expected, 1e-9)
        grad = np.moveaxis(rng.standard_normal((4, 2, 9, 11)), 0, -1)
        call = (grad, (x,), weight, None, (1, 1), ((1, 1), (1, 1)), ((True,), True, True))
        (grad_x,), grad_weight, grad_bias = primitives.conv2d_grads(*call)
    (expected_x,), expected_weight, expected_bias = primitives.conv2d_grads.reference(*call)
    assert_close(grad_x, expected_x, 1e-9)
    assert_close(grad_weight, expected_weight, 1e-9)
    assert_close(grad_bias, expected_bias, 1e-9)


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dtype"),
    [
        ((5, 5), (1, 1), 1, np.float32),
        ((3, 3), (2, 1), 1, np.float32),
        ((3, 3), (1, 1), 3, np.float32),
        ((3, 3), (1, 1), 1, np.float16),
    ],
)
def test_is_no_candidate_for_what_it_cannot_compute(kernel, stride, padding, dtype):
    x, weight = np.ones((1, 9, 9, 2), dtype), np.ones((*kernel, 2, 3), dtype)
    pad = ((padding, padding), (padding, padding))
    names = [c.name for c in primitives.conv2d.candidates((x,), weight, None, stride, pad, None)]
    assert not set(CANDIDATES) & set(names)
    names = [
        c.name for c in primitives.conv2d_grads.candidates(x, (x,), weight, None, stride, pad, ((True,), True, True))
    ]
    assert not set(CANDIDATES) & set(names)
