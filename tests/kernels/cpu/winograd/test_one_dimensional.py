"""The parts of Winograd's convolution by strips: lines whose windows overlap, and columns to points and back."""

import numpy as np
import pytest

from minunet.kernels import primitives
from minunet.kernels.cpu import blas, threads
from minunet.kernels.cpu import scratch as scratch_module
from minunet.kernels.cpu.scratch import scratch
from minunet.kernels.cpu.winograd import conv2d_by_strips, conv2d_grads_by_strips, one_dimensional
from minunet.kernels.cpu.winograd.column_transform import ToPoints, to_pixels
from minunet.kernels.cpu.winograd.matrices import transforms
from minunet.kernels.cpu.winograd.overlapping_rows import Lines

SAME = ((1, 1), (1, 1))


@pytest.mark.parametrize("width", [1, 2, 3, 4, 7, 12])
def test_the_windows_of_lines_are_those_of_their_pixels(width):
    n, rows, images, channels = 4, 2, 3, 5
    rng = np.random.default_rng(width)
    pixels = rng.standard_normal((n, rows, images, width + 2, channels))
    with scratch() as take:
        lines = Lines(take, n, (rows, images, width), channels, np.float64)
        lines.first(width + 2)[...] = pixels
        assert not any(line.flags.owndata for line in (lines.windows, lines.thirds, lines.rows))
        # What a product with every window writes to the pixel where it starts, here the window's own mean.
        means = Lines(take, n, (rows, images, width), 1, np.float64)
        means.thirds[..., 0] = lines.windows.mean(axis=-1)
        expected = sum(pixels[:, :, :, shift : shift + width] for shift in range(3)).mean(axis=-1) / 3
        np.testing.assert_allclose(means.first(width)[..., 0], expected, rtol=1e-12)
        np.testing.assert_allclose(means.rows, expected.transpose(1, 2, 0, 3), rtol=1e-12)


def test_rows_of_a_matrix_of_windows_do_not_overlap():
    """A BLAS takes them as they are; NumPy would first copy a matrix whose rows overlap."""
    with scratch() as take:
        windows = Lines(take, 8, (2, 1, 30), 16, np.float32).windows
    rows, columns = windows.strides[-2:]
    assert columns == windows.itemsize
    assert rows == windows.shape[-1] * windows.itemsize


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (6, 6), (13, 4), (24, 9)])
@pytest.mark.parametrize("before", [0, 1, 2])
def test_columns_to_points_and_back(size, before):
    """With the kernel's column (0, 1, 0) the way through the points is a shift by one pixel down."""
    t = transforms(6, np.dtype(np.float64))
    height, width = size
    rows = -(-height // 6)
    image = np.random.default_rng(3).standard_normal((2, height, width, 3))
    at_points = t.weight @ np.array([0.0, 1.0, 0.0])
    points = np.full((8, rows, 2, width + 2, 3), np.nan)
    ToPoints(t.input, 6, points, width, -1).load(image, -before)
    products = (at_points[:, None, None, None, None] * points)[:, :, :, 1:-1]
    result = np.full_like(image, np.nan)
    written = to_pixels(t.output, products.reshape(8, rows, 2, -1).transpose(1, 2, 0, 3), result, 0)
    assert np.shares_memory(written, result) and written.shape == (2, height, 3 * width)
    above = np.zeros((2, 2, width, 3))
    padded = np.concatenate([above, image, above], axis=1)
    np.testing.assert_allclose(result, padded[:, 3 - before : 3 - before + height], atol=1e-12)
    np.testing.assert_array_equal(points[:, :, :, [0, -1]], 0)


def test_every_product_holds_the_blas_to_one_thread(monkeypatch):
    """Threads of the BLAS, once woken, take turns with ours for some 20 ms: time that no result would show."""
    depth = []

    class Watched:
        def __getattr__(self, name):
            return getattr(np, name)

        def matmul(self, *args, **kwargs):
            depth.append(blas.one_thread._inside)
            return np.matmul(*args, **kwargs)

    monkeypatch.setattr(one_dimensional, "np", Watched())
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal((1, 12, 10, 4)), rng.standard_normal((3, 3, 4, 5))
    y = conv2d_by_strips((x,), weight, None, (1, 1), SAME, None)
    grads = conv2d_grads_by_strips(y, (x,), weight, None, (1, 1), SAME, ((True,), True, True))
    assert len(depth) == 3 and min(depth) > 0
    expected = primitives.conv2d_grads.reference(y, (x,), weight, None, (1, 1), SAME, ((True,), True, True))
    np.testing.assert_allclose(grads[1], expected[1], rtol=1e-9)


@pytest.mark.parametrize("width", [9, 10, 11])
def test_what_lay_in_working_memory_plays_no_part(width, monkeypatch):
    monkeypatch.setattr(threads, "_num_threads", 1)
    rng = np.random.default_rng(width)
    x, weight = rng.standard_normal((2, 13, width, 4)), rng.standard_normal((3, 3, 4, 5))
    bias = rng.standard_normal(5)

    def answers():
        y = conv2d_by_strips((x,), weight, bias, (1, 1), SAME, "relu")
        (grad_x,), grad_weight, grad_bias = conv2d_grads_by_strips(
            y, (x,), weight, y, (1, 1), SAME, ((True,), True, True)
        )
        return y, grad_x, grad_weight, grad_bias

    expected = answers()
    with scratch():
        pass  # the block grows to what was wanted
    scratch_module._block.bytes[:] = 0xFF  # every value is NaN
    for found, wanted in zip(answers(), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
