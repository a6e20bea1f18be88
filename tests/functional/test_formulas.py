"""Every differentiable operation states its value and the gradient of each input in its docstring, one line each."""

import inspect
import re

import pytest

from tools.derivatives_page import operations


def inputs(operation):
    """The names of forward's inputs; `*x_weight_bias` are any number of x, a weight and a bias."""
    _, *parameters = inspect.signature(operation.forward).parameters
    return [name for parameter in parameters for name in parameter.split("_")]


@pytest.mark.parametrize("operation", list(operations()), ids=lambda operation: operation.__name__)
def test_the_docstring_states_the_value_and_every_gradient(operation):
    lines = inspect.getdoc(operation).splitlines()
    assert any(re.match(r"y(\[.*?\])? = \S", line) for line in lines), "there is no line 'y = ...'"
    stated = [match[1] for line in lines if (match := re.match(r"d([a-z]+)(?:_k|\[.*?\])? = \S", line))]
    assert stated == inputs(operation)


def test_every_operation_is_found():
    names = {operation.__name__ for operation in operations()}
    assert {"Add", "MatMul", "Sum", "Reshape", "Recompute", "Conv2d", "MaxPool2d", "Concat", "DiceLoss"} <= names
    assert not {"Function", "PrimitiveFunction"} & names
