"""The mask that a fused ReLU puts on the gradient."""

import numpy as np

from minunet.kernels.cpu import epilogue
from minunet.kernels.cpu.scratch import scratch


def test_a_masked_gradient_may_be_infinite():
    gradient = np.array([1.0, np.inf, -np.inf, np.nan, np.inf], np.float32).reshape(1, 1, 1, 5)
    output = np.array([2.0, 0.0, 0.0, 0.0, 3.0], np.float32).reshape(1, 1, 1, 5)
    with scratch() as allocate:
        np.testing.assert_array_equal(
            epilogue.masked_gradient(allocate, gradient, output).ravel(), [1, 0, 0, 0, np.inf]
        )
