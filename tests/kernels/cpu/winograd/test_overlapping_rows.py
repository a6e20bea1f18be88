"""Rows of pixels whose windows overlap, and are matrices for the BLAS without a copy."""

import numpy as np
import pytest

from minunet.kernels.cpu.scratch import scratch
from minunet.kernels.cpu.winograd.overlapping_rows import OverlappingRows


@pytest.mark.parametrize("width", [1, 2, 3, 4, 7, 12])
def test_windows_are_those_of_their_pixels(width):
    n, rows, images, channels = 4, 2, 3, 5
    rng = np.random.default_rng(width)
    pixels = rng.standard_normal((n, rows, images, width + 2, channels))
    with scratch() as allocate:
        buffer = OverlappingRows(allocate, n, (rows, images, width), channels, np.float64)
        buffer.first_pixels(width + 2)[...] = pixels
        assert not any(view.flags.owndata for view in (buffer.windows, buffer.pixels_by_third, buffer.rows))
        # What a product with every window writes to the pixel where it starts, here the window's own mean.
        means = OverlappingRows(allocate, n, (rows, images, width), 1, np.float64)
        means.pixels_by_third[..., 0] = buffer.windows.mean(axis=-1)
        expected = sum(pixels[:, :, :, shift : shift + width] for shift in range(3)).mean(axis=-1) / 3
        np.testing.assert_allclose(means.first_pixels(width)[..., 0], expected, rtol=1e-12)
        np.testing.assert_allclose(means.rows, expected.transpose(1, 2, 0, 3), rtol=1e-12)


def test_rows_of_a_matrix_of_windows_do_not_overlap():
    """A BLAS takes them as they are; NumPy would first copy a matrix whose rows overlap."""
    with scratch() as allocate:
        windows = OverlappingRows(allocate, 8, (2, 1, 30), 16, np.float32).windows
    rows, columns = windows.strides[-2:]
    assert columns == windows.itemsize
    assert rows == windows.shape[-1] * windows.itemsize
