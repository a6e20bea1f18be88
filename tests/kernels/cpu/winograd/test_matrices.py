"""The matrices of Winograd's convolution: one dimension is a correlation, and the bias point reaches every output."""

import numpy as np
import pytest

from minunet.kernels.cpu.winograd.matrices import POINTS, matrices_for


@pytest.mark.parametrize("m", POINTS)
def test_one_dimension_is_a_correlation(m):
    matrices = matrices_for(m, np.dtype(np.float64))
    rng = np.random.default_rng(0)
    d, g = rng.standard_normal(matrices.n), rng.standard_normal(3)
    np.testing.assert_allclose(
        matrices.output @ ((matrices.weight @ g) * (matrices.input @ d)), np.correlate(d, g), rtol=1e-12
    )
    np.testing.assert_allclose(matrices.weight_reversed @ g[::-1], matrices.weight @ g, rtol=1e-12)
    x = rng.standard_normal(m)
    grad = matrices.weight_grad @ ((matrices.tile @ x) * (matrices.input @ d))
    np.testing.assert_allclose(grad[::-1], np.correlate(d, x), rtol=1e-12)


@pytest.mark.parametrize("m", POINTS)
def test_the_bias_point_reaches_every_output_once(m):
    matrices = matrices_for(m, np.dtype(np.float64))
    points = np.zeros((matrices.n, matrices.n))
    points[matrices.bias_point, matrices.bias_point] = 7
    np.testing.assert_array_equal(matrices.output @ points @ matrices.output.T, np.full((m, m), 7.0))
