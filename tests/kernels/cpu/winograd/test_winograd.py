"""Winograd's convolution against the plain one: every shape, padding and request, both forms, any number of threads."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minunet
from minunet import functional as F
from minunet.kernels import primitives
from minunet.kernels.cpu import matmul, threads
from minunet.kernels.cpu import partition as rows
from minunet.kernels.cpu.winograd import block_sizes
from minunet.kernels.cpu.winograd.matrices import POINTS, transforms
from minunet.kernels.cpu.winograd.tiles import divide
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


@pytest.mark.parametrize("m", POINTS)
def test_one_dimension_is_a_correlation(m):
    t = transforms(m, np.dtype(np.float64))
    rng = np.random.default_rng(0)
    d, g = rng.standard_normal(t.n), rng.standard_normal(3)
    np.testing.assert_allclose(t.output @ ((t.weight @ g) * (t.input @ d)), np.correlate(d, g), rtol=1e-12)
    np.testing.assert_allclose(t.weight_flipped @ g[::-1], t.weight @ g, rtol=1e-12)
    x = rng.standard_normal(m)
    grad = t.weight_grad @ ((t.spread @ x) * (t.input @ d))
    np.testing.assert_allclose(grad[::-1], np.correlate(d, x), rtol=1e-12)


@pytest.mark.parametrize("m", POINTS)
def test_the_bias_point_reaches_every_output_once(m):
    t = transforms(m, np.dtype(np.float64))
    points = np.zeros((t.n, t.n))
    points[t.bias_point, t.bias_point] = 7
    np.testing.assert_array_equal(t.output @ points @ t.output.T, np.full((m, m), 7.0))


@given(
    images=st.integers(1, 5),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    m=st.sampled_from(list(POINTS)),
    tiles=st.integers(1, 200),
)
def test_chunks_cover_every_tile_once(images, size, m, tiles):
    seen = np.zeros((images, -(-size[0] // m), -(-size[1] // m)), int)
    for chunk in divide(images, size, m, tiles):
        rows = slice(chunk.first_row, chunk.first_row + chunk.rows)
        columns = slice(chunk.first_column, chunk.first_column + chunk.columns)
        seen[chunk.images, rows, columns] += 1
        assert chunk.tile_count == seen[chunk.images, rows, columns].size
    assert (seen == 1).all()


@pytest.mark.parametrize("sizes", [block_sizes.IN_PLACE, block_sizes.PACKED])
def test_what_is_done_at_a_time(sizes, monkeypatch):
    monkeypatch.setattr(block_sizes, "sizes", lambda: sizes)
    for images, side, channels in ((8, 256, 16), (8, 128, 32), (2, 128, 128), (8, 32, 128), (1, 8, 4)):
        for m in POINTS:
            tiles = block_sizes.tiles_per_chunk(m, images, (side, side), channels)
            assert 1 <= tiles <= sizes.most_tiles
            assert tiles * channels * (m + 2) ** 2 <= max(sizes.chunk, block_sizes.SMALLEST_CHUNK * (m + 2) ** 2)
            chunks = divide(images, (side, side), m, tiles)
            assert len(chunks) >= min(
                sizes.fewest_chunks, block_sizes.tile_count(m, images, (side, side)) * channels // 4096
            )
    for channels in (1, 64, 128, 256, 512, 1024):
        per_job = block_sizes.channels_per_job(channels)
        assert 64 <= per_job <= sizes.most_channels_per_job
        assert channels < 256 or channels // per_job >= block_sizes.FEWEST_JOBS


def test_few_tiles_for_many_channels_go_by_channels_on_the_way_back(monkeypatch):
    for sizes, expected in ((block_sizes.PACKED, False), (block_sizes.IN_PLACE, True)):
        monkeypatch.setattr(block_sizes, "sizes", lambda sizes=sizes: sizes)
        assert block_sizes.gradients_by_tiles(6, 8, (32, 32), 128, 128) is expected
        assert block_sizes.gradients_by_tiles(6, 2, (128, 128), 128, 128)
        assert not block_sizes.gradients_by_tiles(6, 2, (128, 128), 512, 512)


@pytest.mark.parametrize("candidate", CANDIDATES)
@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
@settings(max_examples=60, deadline=None)
@given(
    case=cases(kernels=st.just((3, 3))),
    by_tiles=st.booleans(),
    small=st.sampled_from([2_000, 50_000, 1_000_000]),
    block=st.sampled_from([matmul.SMALL, math.inf]),
)
def test_equals_the_reference(candidate, dtype, tolerance, case, by_tiles, small, block):
    with pytest.MonkeyPatch.context() as patch:  # small limits reach every way of cutting with small images
        patch.setattr(matmul, "largest_block", lambda: block)
        patch.setattr(block_sizes, "MOST_PAIRS_BY_TILES", 1 << 30 if by_tiles else 0)
        patch.setattr(block_sizes, "sizes", lambda: block_sizes.Sizes(small, 512, 8, 32, fewest_tiles=0))
        patch.setattr(block_sizes, "FEWEST_CHANNELS_PER_JOB", 16)
        patch.setattr(block_sizes, "GROUP", 20 * small)
        patch.setattr(block_sizes, "STRIP", small)
        patch.setattr(block_sizes, "GRADIENT_STRIP", small)
        patch.setattr(rows, "SMALLEST_BLOCK", small // 16)
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
def test_leaves_alone_what_it_cannot_do(kernel, stride, padding, dtype):
    x, weight = np.ones((1, 9, 9, 2), dtype), np.ones((*kernel, 2, 3), dtype)
    pad = ((padding, padding), (padding, padding))
    names = [c.name for c in primitives.conv2d.candidates((x,), weight, None, stride, pad, None)]
    assert not set(CANDIDATES) & set(names)
    names = [
        c.name for c in primitives.conv2d_grads.candidates(x, (x,), weight, None, stride, pad, ((True,), True, True))
    ]
    assert not set(CANDIDATES) & set(names)
