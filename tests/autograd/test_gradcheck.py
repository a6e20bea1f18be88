"""gradcheck accepts right gradients and finds every kind of wrong one."""

import numpy as np
import pytest

from minunet import Tensor, gradcheck
from minunet import functional as F
from minunet.autograd import Function, GradcheckError
from minunet.nn.module import Parameter
from tests.sample_arrays import distinct


class Square(Function):
    """x squared; the test gives the result of backward as a function of (g, x, right gradient)."""

    def __init__(self, answer):
        self.answer = answer

    def forward(self, x):
        self.save(x)
        return x * x

    def backward(self, grad_output):
        (x,) = self.saved
        return (self.answer(grad_output, x, 2 * x * grad_output),)


def square(answer):
    return lambda x: Square(answer).apply(x)


def one_element(place, change):
    def answer(g, x, right):
        right[place] = change(right[place])
        return right

    return answer


X = distinct((3, 5))


def test_a_right_gradient():
    assert gradcheck(square(lambda g, x, right: right), X) is True


@pytest.mark.parametrize(
    "answer",
    [
        lambda g, x, right: right * 1.01,
        lambda g, x, right: right * 0.5,
        lambda g, x, right: -right,
        lambda g, x, right: right + 1e-3,
        lambda g, x, right: np.zeros_like(right),
        lambda g, x, right: np.ones_like(right),
        lambda g, x, right: right * np.sign(g),  # the incoming gradient forgotten
        lambda g, x, right: 2 * x * np.abs(g),
        lambda g, x, right: right[::-1],
        lambda g, x, right: np.roll(right, 1, axis=1),
        lambda g, x, right: np.full_like(right, np.nan),
        lambda g, x, right: np.full_like(right, np.inf),
        one_element((1, 3), lambda v: v * 1.01),
        one_element((0, 0), lambda v: np.nan),
        one_element((2, 4), lambda v: 0.0),
        one_element((2, 4), lambda v: -v),
    ],
)
def test_a_wrong_value_is_found(answer):
    with pytest.raises(
        GradcheckError, match=r"input 0, element \(\d, \d\): the gradient is .*, the finite difference is"
    ):
        gradcheck(square(answer), [X])


def test_the_worst_element_is_named_with_both_numbers():
    x = np.array([1.0, 2.0, 3.0])

    def answer(g, x, right):
        return right + np.array([0.1, 0.5, 0.2])

    with pytest.raises(GradcheckError, match=r"input 0, element \(1,\)") as caught:
        gradcheck(square(answer), x)
    found, difference = (float(part.split(" is ")[1].split(" ")[0]) for part in str(caught.value).split(", the"))
    assert found - difference == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda g, x, right: right.T, r"shape \(5, 3\), the input has \(3, 5\)"),
        (lambda g, x, right: right.sum(), r"shape \(\), the input has \(3, 5\)"),
        (lambda g, x, right: right.astype(np.float32), "is float32, the input is float64"),
        (lambda g, x, right: None, "returned None for input 0"),
    ],
)
def test_a_wrong_shape_dtype_or_absence_is_found(answer, message):
    with pytest.raises(AssertionError, match=message):
        gradcheck(square(answer), [X])


class Difference(Function):
    """a - 2 b, with the two gradients exchanged."""

    def forward(self, a, b):
        self.save()
        return a - 2 * b

    def backward(self, grad_output):
        return -2 * grad_output, grad_output


def test_exchanged_gradients_are_found():
    with pytest.raises(GradcheckError, match="input [01], element"):
        gradcheck(lambda a, b: Difference().apply(a, b), [X, X + 1])


def test_a_wrong_gradient_of_one_input_among_several_is_found():
    with pytest.raises(GradcheckError, match=r"input 2, element \(1, 2\)"):
        wrong = one_element((1, 2), lambda v: v + 0.1)
        gradcheck(lambda a, b, c: a * b + square(wrong)(c), [X, X + 1, X + 2])


def test_a_forgotten_dependence_is_found():
    with pytest.raises(GradcheckError, match="input 0"):
        gradcheck(lambda x: x * Tensor(x.data), X)  # the second factor is detached


def test_wrong_in_only_one_of_two_outputs():
    right, wrong = square(lambda g, x, right: right), square(lambda g, x, right: right * 1.1)
    assert gradcheck(lambda x: (right(x), x.sum(0)), X)
    with pytest.raises(GradcheckError, match="input 0"):
        gradcheck(lambda x: (x.sum(0), wrong(x)), X)


def test_nan_in_the_function_itself_is_found():
    with np.errstate(invalid="ignore", divide="ignore"), pytest.raises(GradcheckError, match="nan"):
        gradcheck(lambda x: x ** Tensor(np.array([0.5])), np.array([1.0, -1.0]))


def test_an_unused_input_has_a_zero_gradient():
    assert gradcheck(lambda a, b: a * 2.0, [X, X])


def test_random_functions_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(GradcheckError, match="two different results for the same inputs"):
        gradcheck(lambda x: F.dropout(x, 0.5, rng, True), X)
    assert gradcheck(lambda x: F.dropout(x, 0.5, np.random.default_rng(0), True), X)


@pytest.mark.parametrize(
    ("fn", "inputs", "message"),
    [
        (lambda x: x.data, X, "must return Tensors, not ndarray"),
        (lambda x: None, X, "must return Tensors, not NoneType"),
        (lambda x: (), X, "must return Tensors"),
        (lambda x: Tensor(np.ones(2)), X, "does not depend on any input"),
        (lambda x: Tensor([1.0]), np.arange(3), "no floating-point input to check"),
        (lambda: Tensor([1.0]), [], "no floating-point input to check"),
    ],
)
def test_misuse_is_explained(fn, inputs, message):
    with pytest.raises(GradcheckError, match=message):
        gradcheck(fn, inputs)


def test_inputs_are_taken_as_they_come_and_left_as_they_were():
    array = X.copy()
    tensor = Tensor(X.astype(np.float32), requires_grad=True)
    assert gradcheck(lambda a, b, n, none: a * b * n, [array, tensor, 3, None])
    np.testing.assert_array_equal(array, X)
    assert tensor.grad is None
    assert gradcheck(lambda a: a * a, Tensor(X))
    assert gradcheck(lambda a: a * a, (X,))


def test_float32_inputs_are_checked_in_float64():
    seen = []

    def fn(x):
        seen.append(x.dtype)
        return x * x

    assert gradcheck(fn, X.astype(np.float32))
    assert set(seen) == {np.dtype(np.float64)}


def test_only_tensors_that_require_a_gradient_are_checked_where_some_do():
    wrong = square(lambda g, x, right: right * 2)
    a, b = Tensor(X, requires_grad=True), Tensor(X)
    assert gradcheck(lambda a, b: a * 2.0 + wrong(b), [a, b])
    with pytest.raises(GradcheckError, match="input 1"):
        gradcheck(lambda a, b: a * 2.0 + wrong(b), [a, Tensor(X, requires_grad=True)])


def test_tolerances_and_step_are_the_callers():
    slightly = square(lambda g, x, right: right * 1.0001)
    assert gradcheck(slightly, X)
    with pytest.raises(GradcheckError, match="rtol 1e-06"):
        gradcheck(slightly, X, rtol=1e-6, atol=1e-9)
    with pytest.raises(GradcheckError):
        gradcheck(lambda x: x * x * x, X, eps=0.5)  # the step's own error, eps^2, is large


def test_single_numbers():
    assert gradcheck(lambda x: x * x, np.array(3.0))
    assert gradcheck(lambda x: x * x, Tensor(3.0, requires_grad=True))


def test_an_operation_that_changes_the_gradient_it_is_given_is_refused():
    """Right or wrong by itself, it changes what another operation reads, or the caller's own array."""

    def doubled(grad_output, x, right):
        grad_output *= 2
        return right

    def doubled_in_the_middle(x):
        return square(doubled)(x * 3.0) * 2.0

    for fn in (square(doubled), square(lambda g, x, right: np.multiply(right, 1, out=g)), doubled_in_the_middle):
        with pytest.raises(GradcheckError, match=r"Square.backward changes its grad_output in place"):
            gradcheck(fn, X)


def test_a_function_that_changes_its_input_is_refused():
    def forward_changes(x):
        x.data[...] += 1
        return x * 2.0

    def backward_changes(g, x, right):
        x[...] = 0
        return right

    for fn in (forward_changes, square(backward_changes)):
        with pytest.raises(GradcheckError, match="the function changes its input 0 in place"):
            gradcheck(fn, X)


def test_gradients_of_other_tensors_are_left_as_they_were():
    kept, empty = Parameter(np.ones(5)), Parameter(np.ones(5))
    kept.grad = gradient = np.full(5, 7.0)
    x = Tensor(X, requires_grad=True)
    assert gradcheck(lambda t: t * kept + empty, x)
    assert kept.grad is gradient
    assert (gradient == 7).all()
    assert empty.grad is None
    assert x.grad is None
    with pytest.raises(GradcheckError):
        gradcheck(lambda t: square(lambda g, x, right: 0 * right)(t * kept) + empty, x)
    assert kept.grad is gradient
    assert empty.grad is None


@pytest.mark.parametrize("size", [1e-4, 1e-6, 1e-9, 1e-15, 1e-100])
def test_tiny_gradients_are_compared_at_their_own_scale(size):
    def tiny(answer):
        return lambda x: square(answer)(x) * size

    assert gradcheck(tiny(lambda g, x, right: right), X)
    for answer in (lambda g, x, right: 0 * right, lambda g, x, right: 1.1 * right):
        with pytest.raises(GradcheckError, match="input 0"):
            gradcheck(tiny(answer), X)


def test_each_input_has_its_own_scale():
    def fn(x, y):
        return x * x + square(lambda g, x, right: 0 * right)(y) * 1e-6

    with pytest.raises(GradcheckError, match="input 1"):
        gradcheck(fn, [X, X])


@pytest.mark.parametrize(
    "fn",
    [
        lambda x: (x - x.mean()).sum(),  # the sums of what is rounded
        lambda x: F.softmax(x).sum(),
        lambda x: (x * 1000.0 + 1.0) - (x * 1000.0 + 1.0) + x * 1e-3,
        lambda x: ((x * 0.0) ** 3).sum(),
        lambda x: (x - X) ** 3,  # flat here, but not a step beside
        lambda x: (x - X) ** 4 * 1e-3,
        lambda x: F.sigmoid(x * 40.0).mean(),
        lambda x: F.binary_cross_entropy_with_logits(x * 30.0, X > 0),
    ],
)
def test_rounding_and_curvature_are_no_errors(fn):
    assert gradcheck(fn, X)


def test_large_inputs():
    """The steps of the differences are rounded, and may be nothing at all."""
    assert gradcheck(lambda x: x * 2.0, np.array([1e8, 3e7]))
    with pytest.raises(GradcheckError, match=r"eps 1e-06 is too small beside the input 1e\+12"):
        gradcheck(lambda x: x * 3.0, np.array([1e12]))
    assert gradcheck(lambda x: x * 3.0, np.array([1e12]), eps=1e3)
