"""The mask that a fused ReLU puts on the gradient, and sums of rows."""

import numpy as np
import pytest

from minunet.kernels import primitives
from minunet.kernels.cpu import epilogue
from minunet.kernels.cpu.scratch import scratch


def test_a_masked_gradient_may_be_infinite():
    gradient = np.array([1.0, np.inf, -np.inf, np.nan, np.inf], np.float32).reshape(1, 1, 1, 5)
    output = np.array([2.0, 0.0, 0.0, 0.0, 3.0], np.float32).reshape(1, 1, 1, 5)
    with scratch() as allocate:
        np.testing.assert_array_equal(
            epilogue.masked_gradient(allocate, gradient, output).ravel(), [1, 0, 0, 0, np.inf]
        )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("is_mask", [False, True])
def test_a_mask_gives_the_bits_of_a_product_and_leaves_its_arguments_alone(dtype, is_mask):
    rng = np.random.default_rng(0)
    # Some rows and columns of larger arrays, as for a block of an image.
    gradient = rng.standard_normal((2, 5, 6, 3)).astype(dtype)[:, 1:4, 2:]
    output = np.maximum(rng.standard_normal((2, 5, 6, 3)), 0).astype(dtype)[:, 1:4, 2:]
    output[0, 0, 0] = -0.0, np.nan, np.inf
    active = output > 0
    given = active.copy() if is_mask else output.copy()
    before = gradient.copy(), given.copy()
    with scratch() as allocate:
        masked = epilogue.masked_gradient(allocate, gradient, given)
        assert masked.tobytes() == (gradient * active.astype(dtype)).tobytes()
    for array, copy in zip((gradient, given), before, strict=True):
        assert array.tobytes() == copy.tobytes()


@pytest.mark.parametrize("shape", [(1, 1, 1, 3), (1, 3, 1, 3), (2, 4, 8, 5), (1, 7, 9, 2)])
def test_sums_of_rows_have_the_bits_of_the_reference(shape):
    values = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    for part in (values, values[:, :, : max(1, shape[2] // 2)]):
        total = np.zeros(shape[3], np.float32)
        epilogue.add_row_sums(total, part)
        assert total.tobytes() == primitives.sum_rows(part.reshape(-1, shape[3])).tobytes()
