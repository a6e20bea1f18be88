"""Convolution: the paper's worked example, loops, finite differences, adjoints, all forms of the arguments, all errors."""

import numpy as np
import pytest

from minunet import Tensor, gradcheck
from minunet import functional as F
from tests.functional import loops
from tests.sample_arrays import distinct

# (x shape, kernel size, channels out, stride, padding): odd, non-square, strided, padded, batched, one pixel, kernels that
# cover everything and strides that leave pixels out
CASES = [
    ((1, 5, 5, 1), (3, 3), 1, (1, 1), ((0, 0), (0, 0))),
    ((2, 5, 7, 3), (3, 3), 2, (1, 1), ((1, 1), (1, 1))),
    ((2, 7, 5, 2), (3, 2), 3, (2, 3), ((1, 1), (0, 0))),
    ((1, 6, 5, 2), (2, 4), 2, (2, 1), ((0, 1), (1, 2))),
    ((3, 4, 3, 1), (1, 1), 4, (1, 1), ((0, 0), (0, 0))),
    ((2, 5, 4, 2), (1, 1), 2, (2, 2), ((0, 0), (0, 0))),
    ((1, 3, 4, 2), (3, 4), 2, (1, 1), ((0, 0), (0, 0))),
    ((1, 1, 1, 3), (3, 3), 2, (1, 1), ((1, 1), (1, 1))),
    ((2, 1, 6, 2), (1, 5), 3, (1, 2), ((0, 0), (2, 2))),
    ((1, 9, 8, 1), (2, 3), 2, (4, 5), ((2, 2), (1, 1))),
    ((1, 2, 2, 1), (5, 5), 2, (1, 1), ((3, 3), (4, 4))),
    ((1, 11, 13, 5), (5, 3), 7, (1, 1), ((2, 2), (1, 1))),
]


def symmetric(padding):
    return all(before == after for before, after in padding)


def arrays(case, dtype=np.float64):
    shape, kernel_size, out, *_ = case
    weight_shape = (*kernel_size, shape[3], out)
    return distinct(shape, 1, dtype=dtype), distinct(weight_shape, 2, dtype=dtype), distinct(out, 3, dtype=dtype)


def run(x, weight, bias, stride, padding, **options):
    """conv2d with any padding: the sides that differ are made equal by adding zeros to the image."""
    if not symmetric(padding):
        x = np.pad(x.data if isinstance(x, Tensor) else x, ((0, 0), *padding, (0, 0)))
        padding = ((0, 0), (0, 0))
    return F.conv2d(x, weight, bias, stride=stride, padding=(padding[0][0], padding[1][0]), **options)


PAPER_IMAGE = [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]
PAPER_FILTER = [[1, 0, 1], [0, 1, 0], [1, 0, 1]]


@pytest.mark.parametrize(("stride", "expected"), [(1, [[4, 3, 4], [2, 4, 3], [2, 3, 4]]), (2, [[4, 4], [2, 4]])])
def test_the_papers_worked_example(stride, expected):
    image = np.array(PAPER_IMAGE, np.float32).reshape(1, 5, 5, 1)
    kernel = np.array(PAPER_FILTER, np.float32).reshape(3, 3, 1, 1)
    y = F.conv2d(image, kernel, stride=stride)
    np.testing.assert_array_equal(y.data[0, :, :, 0], expected)


def test_it_is_cross_correlation():
    """An asymmetric filter: its top left weight meets the window's top left pixel; in mathematics, convolution flips the filter."""
    image = np.arange(1.0, 10.0).reshape(1, 3, 3, 1)
    kernel = np.array([[1.0, 10.0], [100.0, 1000.0]]).reshape(2, 2, 1, 1)
    expected = [[5421, 6532], [8754, 9865]]
    np.testing.assert_array_equal(F.conv2d(image, kernel).data[0, :, :, 0], expected)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_values_are_those_of_the_loops(case):
    *_, stride, padding = case
    x, weight, bias = arrays(case)
    for b in (bias, None):
        np.testing.assert_allclose(
            run(x, weight, b, stride, padding).data, loops.conv2d(x, weight, b, stride, padding), rtol=1e-12, atol=1e-13
        )


@pytest.mark.parametrize("case", [c for c in CASES if symmetric(c[-1])], ids=str)
def test_gradients(case):
    *_, stride, padding = case
    x, weight, bias = arrays(case)
    if x.size * weight.size > 20_000:
        x, weight = x[..., :2], weight[:, :, :2, :3]
        bias = bias[:3]
    assert gradcheck(lambda *a: run(*a, stride, padding), [x, weight, bias])
    assert gradcheck(lambda x, weight: run(x, weight, None, stride, padding), [x, weight])


@pytest.mark.parametrize("case", [c for c in CASES if symmetric(c[-1])], ids=str)
def test_the_gradient_is_the_adjoint(case):
    """<conv(x, w), y> = <x, gradient for x> = <w, gradient for w>, since convolution is linear in each."""
    *_, stride, padding = case
    x_values, weight_values, _ = arrays(case)
    x, weight = Tensor(x_values, requires_grad=True), Tensor(weight_values, requires_grad=True)
    y = run(x, weight, None, stride, padding)
    direction = distinct(y.shape, 7)
    inner = (y.data * direction).sum()
    y.backward(direction)
    assert (x.data * x.grad).sum() == pytest.approx(inner, rel=1e-12, abs=1e-12)
    assert (weight.data * weight.grad).sum() == pytest.approx(inner, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("needs", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (0, 1, 1)])
def test_gradients_that_nobody_needs_are_left_out(needs):
    x, weight, bias = (Tensor(a, requires_grad=True) for a in arrays(CASES[2]))
    *_, stride, padding = CASES[2]
    full = run(x, weight, bias, stride, padding)
    full.backward(np.ones(full.shape))
    some = [Tensor(t.data, requires_grad=bool(need)) for t, need in zip((x, weight, bias), needs, strict=True)]
    run(*some, stride, padding).backward(np.ones(full.shape))
    for one, other, need in zip(some, (x, weight, bias), needs, strict=True):
        if need:
            np.testing.assert_allclose(one.grad, other.grad, rtol=1e-13)
        else:
            assert one.grad is None


@pytest.mark.parametrize("bias", [True, False])
def test_fused_relu_is_relu_of_the_result(bias):
    for case in CASES[1:4]:
        *_, stride, padding = case
        x, weight, b = arrays(case)
        b = b if bias else None
        fused = run(x, weight, b, stride, padding, activation="relu")
        plain = run(x, weight, b, stride, padding)
        np.testing.assert_allclose(fused.data, np.maximum(plain.data, 0), rtol=1e-12, atol=1e-14)
        assert (fused.data == 0).any()
        assert (fused.data > 0).any()
    x, weight, b = arrays(CASES[2])
    inputs = [x, weight, b] if bias else [x, weight]
    *_, stride, padding = CASES[2]
    assert gradcheck(lambda *a: run(*a, *(() if bias else (None,)), stride, padding, activation="relu"), inputs)


def test_a_fused_relu_stops_even_an_infinite_gradient():
    x = Tensor(np.array([1.0, -1.0]).reshape(1, 1, 2, 1), requires_grad=True)
    y = F.conv2d(x, np.ones((1, 1, 1, 1)), activation="relu")
    y.backward(np.array([1.0, np.inf]).reshape(y.shape))
    np.testing.assert_array_equal(x.grad.ravel(), [1, 0])


@pytest.mark.parametrize("parts", [(1, 2), (2, 2, 1), (5,)])
@pytest.mark.parametrize("activation", [None, "relu"])
def test_a_tuple_is_read_as_if_joined_along_channels(parts, activation):
    xs = [distinct((2, 5, 4, c), k) for k, c in enumerate(parts)]
    weight = distinct((3, 3, sum(parts), 2), 9)
    joined = np.concatenate(xs, axis=-1)
    expected = F.conv2d(joined, weight, padding=1, activation=activation)
    for group in (tuple(xs), list(xs), tuple(map(Tensor, xs))):
        y = F.conv2d(group, weight, padding=1, activation=activation)
        np.testing.assert_allclose(y.data, expected.data, rtol=1e-13, atol=1e-13)
    small = [x[:1, :3] for x in xs]
    assert gradcheck(lambda w, *x: F.conv2d(x, w, padding=1, stride=(1, 2), activation=activation), [weight, *small])


def test_one_tensor_twice_in_a_tuple():
    assert gradcheck(lambda x, w: F.conv2d((x, x), w, padding=1), [distinct((1, 3, 2, 2)), distinct((3, 3, 4, 1), 1)])


def test_only_some_tensors_of_a_tuple_need_a_gradient():
    a, b = Tensor(distinct((1, 3, 3, 1)), requires_grad=True), Tensor(distinct((1, 3, 3, 2), 1))
    y = F.conv2d((b, a), distinct((3, 3, 3, 2), 2))
    y.backward(np.ones(y.shape))
    assert b.grad is None
    assert a.grad.shape == a.shape


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", [None, "relu"])
def test_dtype_is_kept(dtype, activation):
    x, weight, bias = (Tensor(a, requires_grad=True) for a in arrays(CASES[1], dtype))
    y = F.conv2d(x, weight, bias, padding=1, activation=activation)
    assert y.dtype == dtype
    y.mean().backward()
    assert {t.grad.dtype for t in (x, weight, bias)} == {np.dtype(dtype)}


def test_plain_arrays_and_lists_follow_the_tensors():
    weight = Tensor(distinct((3, 3, 1, 2), dtype=np.float32), requires_grad=True)
    for x in (np.ones((1, 4, 4, 1)), np.ones((1, 4, 4, 1), np.uint8), np.ones((1, 4, 4, 1)).tolist()):
        y = F.conv2d(x, weight, [0.5, 1.0])
        assert y.dtype == np.float32
        assert y.shape == (1, 2, 2, 2)
    assert F.conv2d(np.ones((1, 4, 4, 1)), np.ones((3, 3, 1, 1)).tolist()).dtype == np.float64


def test_arrays_that_are_not_contiguous():
    """Weights that come from another framework are often transposed views."""
    x, weight, _ = arrays(CASES[1])
    views = np.asfortranarray(x), weight.transpose(3, 2, 0, 1).copy().transpose(2, 3, 1, 0)
    assert not any(v.flags.c_contiguous for v in views)
    np.testing.assert_allclose(F.conv2d(*views).data, F.conv2d(x, weight).data, rtol=1e-12, atol=1e-14)
    assert gradcheck(
        lambda x, w: F.conv2d(x.transpose(0, 2, 1, 3), w.transpose(1, 0, 3, 2)).transpose(),
        [x[..., :2], weight[..., :2, :2]],
    )


def test_an_empty_batch():
    x, weight = Tensor(np.zeros((0, 5, 4, 2)), requires_grad=True), Tensor(distinct((3, 3, 2, 3)), requires_grad=True)
    bias = Tensor(np.ones(3), requires_grad=True)
    y = F.conv2d(x, weight, bias, padding=1, activation="relu")
    assert y.shape == (0, 5, 4, 3)
    y.backward(np.zeros(y.shape))
    assert x.grad.shape == (0, 5, 4, 2)
    assert not weight.grad.any()
    assert not bias.grad.any()


X, W = np.zeros((2, 5, 4, 3), np.float32), np.zeros((3, 2, 3, 8), np.float32)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((X[0], W), {}, r"conv2d: x must have shape \(N, H, W, C\), got \(5, 4, 3\)"),
        ((X[:, :0], W), {}, r"x must hold at least one pixel and one channel, got \(2, 0, 4, 3\)"),
        ((X, W[0]), {}, r"weight must have shape \(kh, kw, C_in, C_out\), got \(2, 3, 8\)"),
        ((X, W[:0]), {}, r"weight must have shape \(kh, kw, C_in, C_out\), got \(0, 2, 3, 8\)"),
        ((X, W[:, :, :2]), {}, r"x has 3 channels, but weight of shape \(3, 2, 2, 8\) takes 2"),
        (((X, X), W), {}, r"x has 6 channels, but weight of shape \(3, 2, 3, 8\) takes 3"),
        (((), W), {}, "x is an empty tuple"),
        (([], W), {}, "x is an empty tuple"),
        (((X, X[0]), W), {}, r"x\[1\] must have shape \(N, H, W, C\), got \(5, 4, 3\)"),
        (
            ((X, X[:, 1:]), W),
            {},
            r"the tensors in x must agree except in their channels, got \[\(2, 5, 4, 3\), \(2, 4, 4, 3\)\]",
        ),
        ((X, W, np.zeros(7, np.float32)), {}, r"bias must have shape \(8,\), got \(7,\)"),
        ((X, W, np.zeros((1, 8), np.float32)), {}, r"bias must have shape \(8,\), got \(1, 8\)"),
        ((Tensor(X), Tensor(W.astype(float))), {}, "dtypes must agree, but x is float32, weight is float64"),
        ((X, W), {"stride": 0}, "stride must be at least 1, got 0"),
        ((X, W), {"stride": (1, -2)}, r"stride must be at least 1, got \(1, -2\)"),
        ((X, W), {"stride": 1.5}, "stride must be an integer or a pair of integers, got 1.5"),
        ((X, W), {"stride": (1, 2, 3)}, r"stride must be an integer or a pair of integers, got \(1, 2, 3\)"),
        ((X, W), {"stride": None}, "stride must be an integer or a pair of integers, got None"),
        ((X, W), {"padding": -1}, "padding must be at least 0, got -1"),
        ((X, W), {"padding": "full"}, 'padding must be an integer, a pair, "same" or "valid", got \'full\''),
        ((X, W), {"padding": np.ones(2)}, "padding must be an integer or a pair of integers"),
        ((X, W), {"activation": "tanh"}, "activation must be None or \"relu\", got 'tanh'"),
        ((X[:, :2], W), {}, "the 3x2 kernel is larger than the padded image, 2x4 with padding 0"),
    ],
)
def test_refusals_name_the_argument_and_its_value(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        F.conv2d(*arguments, **options)
