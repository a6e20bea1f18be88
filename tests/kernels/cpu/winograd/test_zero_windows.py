"""Under a window of nothing but zeros the output is the bias exactly, so that rounding never decides what a ReLU lets through."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minunet
from minunet import functional as F
from minunet.kernels import primitives
from minunet.kernels.cpu.winograd import block_sizes, pass_arguments, zero_windows
from minunet.kernels.dispatch import only, prefer

CANDIDATES = ["winograd-4x4", "winograd-6x6", "winograd-6x1"]


def zero_mask(sources, padding):
    """Which windows are zero, by the definition: (images, rows, columns)."""
    pixels = np.pad((np.concatenate(sources, axis=3) != 0).any(axis=3), ((0, 0), *padding))
    return ~np.lib.stride_tricks.sliding_window_view(pixels, (3, 3), (1, 2)).any(axis=(3, 4))


@pytest.mark.parametrize("candidate", CANDIDATES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@settings(max_examples=25, deadline=None)
@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    padding=st.tuples(*[st.tuples(*[st.integers(0, 2)] * 2)] * 2),
    channels=st.lists(st.integers(1, 5), min_size=1, max_size=2),
    share=st.sampled_from([0.2, 0.9, 0.99]),
    relu=st.booleans(),
    bias=st.booleans(),
    by_tiles=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_the_output_is_the_bias_exactly(candidate, dtype, size, padding, channels, share, relu, bias, by_tiles, seed):
    size = tuple(max(n, 3 - sum(pad)) for n, pad in zip(size, padding, strict=True))
    rng = np.random.default_rng(seed)
    zero = rng.random((2, *size, 1)) < share
    top, left = rng.integers(0, size[0] + 1), rng.integers(0, size[1] + 1)
    zero[0, :top] = zero[1, :, left:] = True
    sources = [np.where(zero, 0, rng.standard_normal((2, *size, c))).astype(dtype) for c in channels]
    weight = rng.standard_normal((3, 3, sum(channels), 4)).astype(dtype)
    offset = rng.standard_normal(4).astype(dtype) if bias else None
    arguments = sources, weight, offset, (1, 1), padding, "relu" if relu else None
    with pytest.MonkeyPatch.context() as patch, prefer(candidate):
        patch.setattr(block_sizes, "MAX_PAIRS_BY_TILES", 1 << 30 if by_tiles else 0)
        y = primitives.conv2d(*arguments)
    expected = np.zeros(4) if offset is None else np.maximum(offset, 0) if relu else offset
    assert (y[zero_mask(sources, padding)] == expected).all()
    np.testing.assert_allclose(y, primitives.conv2d.reference(*arguments), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("candidate", CANDIDATES)
def test_where_no_window_is_zero_nothing_is_written(candidate, monkeypatch):
    """Pixels that are zero, but no window; channels that cancel or are zero, but not all."""
    x = np.ones((1, 30, 31, 2), np.float32)
    x[0, ::2, ::2] = 0
    x[0, 9:18, 9:18] = 1, -1
    x[0, 20:29, 20:29, 1] = 0
    x[0, 2:8, 2:8] = 1e-45
    weight = np.random.default_rng(0).standard_normal((3, 3, 2, 3)).astype(np.float32)
    arguments = (x,), weight, None, (1, 1), ((1, 1), (1, 1)), None
    with prefer(candidate):
        y = primitives.conv2d(*arguments)
        monkeypatch.setattr(pass_arguments, "may_have_zero_windows", lambda *arguments: False)
        np.testing.assert_array_equal(y, primitives.conv2d(*arguments))


@pytest.mark.parametrize("candidate", CANDIDATES)
@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_weights_that_are_not_finite_are_not_hidden(candidate, value):
    weight = np.ones((3, 3, 2, 2), np.float32)
    weight[1, 1, 0, 1] = value
    with np.errstate(invalid="ignore"), prefer(candidate):
        y = primitives.conv2d((np.zeros((1, 9, 9, 2), np.float32),), weight, None, (1, 1), ((1, 1), (1, 1)), "relu")
    assert (y[..., 0] == 0).all()
    assert np.isnan(y[..., 1]).all()


@pytest.mark.parametrize("start", range(-2, 5))
@pytest.mark.parametrize("size", range(1, 14))
def test_every_window_contains_a_pixel_of_the_grid(start, size):
    for count in range(1, size - start + 1):
        windows = [set(range(max(0, k), min(size, k + 3))) for k in range(start, start + count)]
        grid = set(range(size)[zero_windows._grid(start, count, size)])
        if all(windows):
            assert all(grid & window for window in windows)


def gradients(model, images, masks):
    for parameter in model.parameters():
        parameter.grad = None
    F.binary_cross_entropy_with_logits(model(minunet.Tensor(images)), masks).backward()
    return np.concatenate([parameter.grad.reshape(-1) for parameter in model.parameters()])


@pytest.mark.parametrize("variant", ["paper", "classic"])
@pytest.mark.parametrize("candidate", CANDIDATES)
# In float32, one value that is nearly zero and that a ReLU lets through or not makes 0.002 of the norm.
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-9), (np.float32, 5e-3)])
def test_the_first_gradient_of_images_with_a_black_border_is_that_of_the_definition(
    variant, candidate, dtype, tolerance
):
    rng = np.random.default_rng(0)
    images = np.zeros((2, 64, 64, 1), dtype)
    images[:, 13:50, 17:51] = rng.random((2, 37, 34, 1))
    masks = (rng.random((2, 64, 64, 1)) < 0.5).astype(dtype)
    model = minunet.UNet(base_channels=8, depth=3, variant=variant, rng=np.random.default_rng(0))
    for parameter in model.parameters():
        parameter.data = parameter.data.astype(dtype)
    with only():
        expected = gradients(model, images, masks)
    with prefer(candidate):
        actual = gradients(model, images, masks)
    assert np.linalg.norm(actual - expected) < tolerance * np.linalg.norm(expected)
