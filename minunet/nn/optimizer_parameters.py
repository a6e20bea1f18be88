"""The parameters of an optimizer: what may be given as such, and what a gradient must be for the optimizer to use it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from minunet.autograd import Tensor
from minunet.autograd.conversion import is_float
from minunet.kernels.backend import Array, device_of, is_array
from minunet.kernels.plain_array import is_masked
from minunet.nn.module import Module


def parameter_list(optimizer: str, params: Any) -> list[Tensor]:
    """The parameters as a list: those of a module, or the given ones.

    Raises
    ------
    ValueError
        If there are none, or something else than tensors, or a tensor that is given twice or is the result of an operation.
    """
    if isinstance(params, Module):
        own: list[Tensor] = [*params.parameters()]
        if not own:
            raise ValueError(f"{optimizer}: there are no parameters to optimize in {type(params).__name__}")
        return own
    advice = "pass a Module or a list of Tensors, such as model.parameters()"
    if isinstance(params, (Tensor, Mapping, str)) or not isinstance(params, Iterable):
        what = "the method itself, without ()" if callable(params) else f"one {type(params).__name__}"
        raise ValueError(f"{optimizer}: params is {what}; {advice}")
    given = list(params)
    if not given:
        raise ValueError(f"{optimizer}: there are no parameters to optimize; {advice}")
    for k, p in enumerate(given):
        if isinstance(p, Mapping):
            raise ValueError(
                f"{optimizer}: params[{k}] is a group with settings of its own; make one optimizer for each group"
            )
        if not isinstance(p, Tensor):
            pairs = " (named_parameters() gives pairs with names)" if isinstance(p, tuple) else ""
            raise ValueError(
                f"{optimizer}: params must be Tensors, such as model.parameters(), but params[{k}] is "
                f"{type(p).__name__}{pairs}"
            )
        if not p.is_leaf:
            raise ValueError(
                f"{optimizer}: params[{k}] is the result of an operation, so it gets no gradient of its own; "
                "pass the tensors that it was made from, or result.detach()"
            )
    if len({id(p) for p in given}) < len(given):
        raise ValueError(f"{optimizer}: a parameter is given twice; it would be updated twice")
    return given


def gradient_problem(p: Tensor) -> str:
    """The problem of a parameter's gradient, or ""."""
    grad: Array = p.grad
    if type(grad) is type(p.data) is np.ndarray and grad.shape == p.shape and grad.dtype == p.dtype:
        return ""
    if not is_array(grad):
        return f"has a gradient that is not an array but {type(grad).__name__}"
    if is_masked(grad):
        return "has a masked array as its gradient, whose mask would be ignored; fill its gaps first"
    if grad.shape != p.shape:
        return f"has shape {p.shape}, but its gradient has {grad.shape}"
    if not is_float(grad):
        return f"has a gradient of {grad.dtype}, which is not a floating-point type"
    if device_of(grad) != device_of(p.data):
        return f"is on {device_of(p.data)}, but its gradient is on {device_of(grad)}"
    return ""
