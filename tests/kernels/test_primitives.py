"""The references, with which all fast paths are compared: they agree with loops, and call no primitives themselves."""

import numpy as np
import pytest

from minunet.kernels import dispatch, primitives
from minunet.kernels.dispatch import intercept_calls
from tests.functional import loops
from tests.kernels.primitive_calls import CALLS, Draw
from tests.sample_arrays import distinct


@pytest.mark.parametrize("name", CALLS)
def test_it_calls_no_primitive(name):
    """A reference that called a primitive would depend on the fast paths that are compared with it."""

    def refuse(primitive, args):
        raise AssertionError(f"the reference of {name} called {primitive.name}")

    args = CALLS[name](Draw(1, np.float32))
    with intercept_calls(refuse):
        dispatch.primitives()[name].reference(*args)


def test_every_primitive_is_reached_by_one_name():
    assert {name: getattr(primitives, name) for name in dispatch.primitives()} == dispatch.primitives()
    assert set(dispatch.primitives()) < set(primitives.__all__)


@pytest.mark.parametrize("seed", range(6))
def test_convolution(seed):
    xs, weight, bias, stride, padding, activation = args = CALLS["conv2d"](Draw(seed, np.float64))
    expected = loops.conv2d(
        np.concatenate(xs, axis=-1)[:1], weight[..., :2], None if bias is None else bias[:2], stride, padding
    )
    y = primitives.conv2d.reference(*args)
    np.testing.assert_allclose(
        y[:1, ..., :2], np.maximum(expected, 0) if activation else expected, rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("seed", range(6))
def test_up_convolution(seed):
    x, weight, bias, stride, padding = args = CALLS["conv_transpose2d"](Draw(seed, np.float64))
    expected = loops.conv_transpose2d(x[:1], weight[..., :2], None if bias is None else bias[:2], stride, padding)
    np.testing.assert_allclose(
        primitives.conv_transpose2d.reference(*args)[:1, ..., :2], expected, rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("seed", range(6))
def test_pooling(seed):
    x, *window = CALLS["max_pool2d"](Draw(seed, np.float64))
    x = x[:1, ..., :2]
    y, argmax = primitives.max_pool2d.reference(x, *window)
    np.testing.assert_array_equal(y, loops.pool(x, *window, lambda inside, count: max(inside)))
    np.testing.assert_allclose(
        primitives.sum_pool2d.reference(x, *window),
        loops.pool(x, *window, lambda inside, count: sum(inside)),
        atol=1e-13,
    )
    grad = distinct(y.shape)
    np.testing.assert_allclose(
        primitives.max_pool2d_grad.reference(grad, argmax, x.shape, *window),
        loops.max_pool2d_gradient(grad, x, *window),
        atol=1e-13,
    )


def test_padding_does_not_win_over_an_image_of_minus_infinities():
    x = np.full((1, 3, 3, 1), -np.inf)
    window = (2, 2), (2, 2), (1, 1)
    y, argmax = primitives.max_pool2d.reference(x, *window)
    assert (y == -np.inf).all()
    grad = primitives.max_pool2d_grad.reference(np.ones(y.shape), argmax, x.shape, *window)
    np.testing.assert_array_equal(grad[0, :, :, 0], [[1, 1, 0], [1, 1, 0], [0, 0, 0]])


@pytest.mark.parametrize(("kernel", "dtype"), [((2, 2), np.uint8), ((16, 16), np.uint8), ((16, 17), np.uint16)])
def test_the_winners_place_takes_the_smallest_integer(kernel, dtype):
    _, argmax = primitives.max_pool2d.reference(np.zeros((1, *kernel, 1)), kernel, kernel, (0, 0))
    assert argmax.dtype == dtype


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 4, 5, 63, 64, 65, 1000])
def test_sum_rows(rows):
    matrix = distinct((rows, 3))
    np.testing.assert_allclose(primitives.sum_rows(matrix), matrix.sum(axis=0), rtol=1e-12, atol=1e-12)
    assert primitives.sum_rows(matrix.astype(np.float32)).dtype == np.float32


def test_sum_rows_does_not_drift():
    np.testing.assert_allclose(
        primitives.sum_rows(np.full((1_000_003, 2), 0.1, np.float32)), 1_000_003 * 0.1, rtol=2e-5
    )


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept(name, dtype):
    args = CALLS[name](Draw(2, dtype))
    result = dispatch.primitives()[name].reference(*args)
    for array in result if isinstance(result, tuple) else (result,):
        if isinstance(array, (np.ndarray, np.generic)) and array.dtype.kind == "f":
            assert array.dtype == dtype
