"""The transform down the columns, and its inverse."""

import numpy as np
import pytest

from minunet.kernels.cpu.winograd.column_transform import ColumnTransform, inverse_column_transform
from minunet.kernels.cpu.winograd.matrices import matrices_for


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (6, 6), (13, 4), (24, 9)])
@pytest.mark.parametrize("before", [0, 1, 2])
def test_to_points_and_back(size, before):
    """With the kernel's column (0, 1, 0) the two transforms together are a shift by one pixel down."""
    matrices = matrices_for(6, np.dtype(np.float64))
    height, width = size
    rows = -(-height // 6)
    image = np.random.default_rng(3).standard_normal((2, height, width, 3))
    at_points = matrices.weight @ np.array([0.0, 1.0, 0.0])
    points = np.full((8, rows, 2, width + 2, 3), np.nan)
    ColumnTransform(matrices.input, 6, points, width, -1).apply(image, -before)
    products = (at_points[:, None, None, None, None] * points)[:, :, :, 1:-1]
    result = np.full_like(image, np.nan)
    written = inverse_column_transform(
        matrices.output, products.reshape(8, rows, 2, -1).transpose(1, 2, 0, 3), result, 0
    )
    assert np.shares_memory(written, result) and written.shape == (2, height, 3 * width)
    above = np.zeros((2, 2, width, 3))
    padded = np.concatenate([above, image, above], axis=1)
    np.testing.assert_allclose(result, padded[:, 3 - before : 3 - before + height], atol=1e-12)
    np.testing.assert_array_equal(points[:, :, :, [0, -1]], 0)
