"""im2col against the plain convolution: every kernel, stride, padding and choice of gradients; any number of threads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minunet.kernels import primitives
from minunet.kernels.cpu import threads
from minunet.kernels.cpu.im2col import by_channels, forward, window_matrix
from tests.kernels.cpu.conv_cases import PRECISIONS, all_results, cases, compare_forward, compare_gradients

STRIDES = st.one_of(st.just((1, 1)), st.tuples(st.integers(1, 4), st.integers(1, 4)))


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
@settings(max_examples=100, deadline=None)
@given(
    case=cases(strides=STRIDES, most_padding=4),
    values_per_block=st.sampled_from([1, 3_000, 131_072]),
    group=st.sampled_from([0, 1, 50_000, 1 << 23]),
)
def test_equals_the_reference(dtype, tolerance, case, values_per_block, group):
    """A `group` other than 0: as for a large kernel, with so many values in a group."""
    with pytest.MonkeyPatch.context() as patch:
        if group:
            patch.setattr(by_channels, "MIN_KERNEL", 0)
            patch.setattr(by_channels, "MIN_WINDOW", 0)
            patch.setattr(by_channels, "VALUES_PER_GROUP", group)
            patch.setattr(by_channels, "CHANNELS_PER_JOB", 24)
        patch.setattr(window_matrix, "VALUES_PER_BLOCK", values_per_block)
        made = compare_forward(case, "im2col", dtype, tolerance)
        compare_gradients(case, "im2col", dtype, tolerance, *made)


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize(("kernel_size", "stride"), [((3, 3), (1, 1)), ((1, 1), (1, 1)), ((4, 3), (2, 3))])
def test_the_same_bits_for_any_number_of_threads(kernel_size, stride, large, monkeypatch):
    if large:
        monkeypatch.setattr(by_channels, "MIN_KERNEL", 0)
        monkeypatch.setattr(by_channels, "MIN_WINDOW", 0)
        monkeypatch.setattr(by_channels, "VALUES_PER_GROUP", 50_000)
        monkeypatch.setattr(by_channels, "CHANNELS_PER_JOB", 8)
    monkeypatch.setattr(window_matrix, "VALUES_PER_BLOCK", 5_000)
    results = []
    for count in (1, 2, 3, 2):
        monkeypatch.setattr(threads, "_num_threads", count)
        results.append(all_results("im2col", (40, 31), kernel_size, (12, 20), stride, ((1, 1), (1, 0))))
    assert all(result == results[0] for result in results)


def test_an_empty_batch():
    x, weight, bias = np.ones((0, 5, 6, 2), np.float32), np.ones((3, 3, 2, 4), np.float32), np.ones(4, np.float32)
    y = forward.conv2d((x,), weight, bias, (1, 1), ((1, 1), (1, 1)), "relu")
    assert y.shape == (0, 5, 6, 4)
    (grad_x,), grad_weight, grad_bias = primitives.conv2d_grads(
        y, (x,), weight, y, (1, 1), ((1, 1), (1, 1)), ((True,), True, True)
    )
    assert grad_x.shape == x.shape
    assert not grad_weight.any()
    assert not grad_bias.any()


def test_small_whole_numbers_are_exact():
    """A product of few terms has no rounding error, and layers that gain nothing by Winograd use it."""
    rng = np.random.default_rng(0)
    x = rng.integers(-8, 9, (1, 5, 5, 1)).astype(np.float32)
    weight = rng.integers(-8, 9, (3, 3, 1, 1)).astype(np.float32)
    call = ((x,), weight, None, (1, 1), ((0, 0), (0, 0)), None)
    assert primitives.conv2d.choose(*call).name == "im2col"
    np.testing.assert_array_equal(primitives.conv2d(*call), primitives.conv2d.reference(*call))
