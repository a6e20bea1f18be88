"""The contract of an operation, and how breaking it is reported."""

import numpy as np
import pytest

from minunet import Tensor, no_grad
from minunet.autograd import Function


class Scaled(Function):
    """2 a + 3 b; what backward returns is up to the test."""

    def __init__(self, answer):
        self.answer = answer

    def forward(self, a, b):
        self.save()
        return 2 * a + 3 * b

    def backward(self, grad_output):
        return self.answer(grad_output)


def run(answer, *, b_needs=True, dtype=np.float64):
    a, b = Tensor(np.ones((2, 3), dtype), requires_grad=True), Tensor(np.ones((2, 3), dtype), requires_grad=b_needs)
    Scaled(answer).apply(a, b).backward(np.ones((2, 3)))
    return a, b


def test_a_right_one():
    a, b = run(lambda g: (2 * g, 3 * g))
    np.testing.assert_array_equal(a.grad, 2)
    np.testing.assert_array_equal(b.grad, 3)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda g: 2 * g, "Scaled.backward must return a tuple of 2 gradients, one per input, not ndarray"),
        (lambda g: [2 * g, 3 * g], "must return a tuple of 2 gradients, one per input, not list"),
        (lambda g: None, "must return a tuple of 2 gradients, one per input, not NoneType"),
        (lambda g: (2 * g,), "must return a tuple of 2 gradients, one per input, not 1"),
        (lambda g: (2 * g, 3 * g, g), "must return a tuple of 2 gradients, one per input, not 3"),
        (lambda g: (2 * g, None), "returned None for input 1, which needs a gradient"),
        (lambda g: (2 * g, 3.0), "gradient 1 is not an array but float"),
        (lambda g: (2 * g, (3 * g).T), r"gradient 1 has shape \(3, 2\), the input has \(2, 3\)"),
        (lambda g: (2 * g[:, :1], 3 * g), r"gradient 0 has shape \(2, 1\), the input has \(2, 3\)"),
        (lambda g: (2 * g, (3 * g).astype(np.float32)), "gradient 1 is float32, the input is float64"),
    ],
)
def test_a_wrong_gradient_is_reported_with_its_operation_and_place(answer, message):
    with pytest.raises(AssertionError, match=message):
        run(answer)


def test_a_gradient_that_nobody_asked_for_is_reported():
    with pytest.raises(AssertionError, match="Scaled.backward returned a gradient for input 1, which needs none"):
        run(lambda g: (2 * g, 3 * g), b_needs=False)


def test_a_gradient_raised_to_float64_is_reported():
    with pytest.raises(AssertionError, match="gradient 0 is float64, the input is float32"):
        run(lambda g: (g * np.ones((2, 3)), 3 * g), dtype=np.float32)


def test_every_node_is_checked_not_only_those_beside_leaves():
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    y = Scaled(lambda g: (2 * g[:1], 3 * g)).apply(x * 1.0, x)
    with pytest.raises(AssertionError, match=r"gradient 0 has shape \(1, 3\)"):
        (y * 2.0).sum().backward()


def test_needs_input_grad_tells_which_gradients_to_compute():
    seen = []

    class Ask(Function):
        def forward(self, *arrays):
            self.save()
            return sum(a for a in arrays if a is not None)

        def backward(self, grad_output):
            seen.append(self.needs_input_grad)
            return tuple(grad_output if needed else None for needed in self.needs_input_grad)

    x = Tensor(np.ones(2), requires_grad=True)
    Ask().apply(x, np.ones(2), None, Tensor(np.ones(2)), x).backward(np.ones(2))
    assert seen == [(True, False, False, False, True)]
    np.testing.assert_array_equal(x.grad, 2)


def test_an_instance_is_the_record_of_one_application():
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    operation = Scaled(lambda g: (2 * g, 3 * g))
    operation.apply(x, x)
    with pytest.raises(RuntimeError, match="Scaled was applied already; make a new instance"):
        operation.apply(x, x)
    with no_grad():
        unrecorded = Scaled(lambda g: (2 * g, 3 * g))
        assert unrecorded.apply(x, x).shape == unrecorded.apply(x, x).shape


def test_missing_methods_are_named():
    with pytest.raises(TypeError, match="Function does not define forward"):
        Function().apply(np.ones(1))

    class Forward(Function):
        def forward(self, x):
            return x

    with pytest.raises(TypeError, match="Forward does not define backward"):
        Forward().apply(Tensor([1.0], requires_grad=True)).backward()
