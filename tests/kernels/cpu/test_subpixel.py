"""Up-convolution whose kernel equals its stride against the plain one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minunet.kernels import primitives
from minunet.kernels.cpu import subpixel, threads
from minunet.kernels.dispatch import prefer
from tests.kernels.cpu.conv_cases import PRECISIONS, assert_close

SIZES = st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(1, 40), st.integers(1, 70))
KERNELS = st.one_of(st.just((2, 2)), st.tuples(st.integers(1, 4), st.integers(1, 4)))


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
@settings(max_examples=50, deadline=None)
@given(
    size=SIZES,
    kernel_size=KERNELS,
    out_channels=st.integers(1, 40),
    needs=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    values_per_block=st.sampled_from([1, 2_000, 131_072]),
    by_channels=st.booleans(),
)
def test_equals_the_reference(dtype, tolerance, size, kernel_size, out_channels, needs, values_per_block, by_channels):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(size).astype(dtype)
    weight = rng.standard_normal((*kernel_size, size[3], out_channels)).astype(dtype)
    bias = rng.standard_normal(out_channels).astype(dtype) if needs[2] else None
    with pytest.MonkeyPatch.context() as patch, prefer("subpixel"):
        patch.setattr(subpixel, "VALUES_PER_BLOCK", values_per_block)
        patch.setattr(subpixel, "CHANNELS_PER_JOB", 16)
        patch.setattr(subpixel, "MAX_KERNEL_BY_ROWS", 0 if by_channels else 1 << 40)
        call = (x, weight, bias, kernel_size, (0, 0))
        assert primitives.conv_transpose2d.choose(*call).name == "subpixel"
        expected = primitives.conv_transpose2d.reference(*call)
        assert_close(primitives.conv_transpose2d(*call), expected, tolerance)
        call = (rng.standard_normal(expected.shape).astype(dtype), x, weight, kernel_size, (0, 0), needs)
        assert primitives.conv_transpose2d_grads.choose(*call).name == "subpixel"
        gradients = zip(
            primitives.conv_transpose2d_grads(*call),
            primitives.conv_transpose2d_grads.reference(*call),
            strict=True,
        )
        for actual, expected in gradients:
            assert_close(actual, expected, tolerance)


@pytest.mark.parametrize(("kernel_size", "padding"), [((3, 3), (0, 0)), ((2, 2), (1, 0))])
def test_overlapping_or_cropped_patches_use_another_algorithm(kernel_size, padding):
    x, weight = np.ones((1, 5, 5, 2), np.float32), np.ones((*kernel_size, 2, 3), np.float32)
    assert primitives.conv_transpose2d.choose(x, weight, None, (2, 2), padding).name == "conv_transpose_as_conv"
    grad = primitives.conv_transpose2d(x, weight, None, (2, 2), padding)
    call = (grad, x, weight, (2, 2), padding, (True, True, True))
    assert primitives.conv_transpose2d_grads.choose(*call).name == "conv_transpose_as_conv"


@pytest.mark.parametrize("pairs", [0, 1 << 40])
def test_the_same_bits_for_any_number_of_threads(pairs, monkeypatch):
    monkeypatch.setattr(subpixel, "VALUES_PER_BLOCK", 20_000)
    monkeypatch.setattr(subpixel, "MAX_KERNEL_BY_ROWS", pairs)
    rng = np.random.default_rng(1)
    x = rng.standard_normal((2, 23, 17, 96)).astype(np.float32)
    weight = rng.standard_normal((2, 2, 96, 48)).astype(np.float32)
    results = []
    for count in (1, 2, 3, 2):
        monkeypatch.setattr(threads, "_num_threads", count)
        y = primitives.conv_transpose2d(x, weight, weight[0, 0, 0], (2, 2), (0, 0))
        grads = primitives.conv_transpose2d_grads(y, x, weight, (2, 2), (0, 0), (True, True, True))
        results.append([array.tobytes() for array in (y, *grads)])
    assert all(result == results[0] for result in results)
