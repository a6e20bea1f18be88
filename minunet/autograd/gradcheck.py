"""Gradients against finite differences: the proof that a backward pass differentiates its forward pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minunet.autograd.conversion import is_float
from minunet.autograd.engine import execution_order
from minunet.autograd.function import Function
from minunet.autograd.tensor import Tensor, TensorLike
from minunet.kernels.backend import is_array, to_numpy


class GradcheckError(AssertionError):
    """A gradient disagrees with its finite difference; the message names the worst element."""


def gradcheck(
    fn: Callable[..., Tensor | Sequence[Tensor]],
    inputs: TensorLike | Sequence[TensorLike],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
) -> bool:
    """Compare `fn`'s gradients with central differences, element by element, in float64.

    The output, of any shape, is multiplied with one fixed random direction v and summed; then for every input element x_k
    ``d<v, fn>/dx_k`` is compared with ``<v, fn(x + eps e_k) - fn(x - eps e_k)> / (2 eps)``, whose error is of the order
    eps^2 + 1e-16 / eps.

    Parameters
    ----------
    fn : callable
        Takes the inputs as Tensors, returns a Tensor or a tuple of Tensors. It must be deterministic.
    inputs : Tensor, array, or a list or tuple of them
        Tensors with `requires_grad` and plain floating-point arrays are checked; other Tensors are passed as they are
        (all of them are checked if no input requires a gradient). Values are converted to float64.
    eps : float
        Half the distance of the two points, in the units of the inputs.
    atol, rtol : float
        A gradient g and its difference d agree if ``|g - d| <= atol s + rtol |d|``, where s is the largest difference among the
        elements of the same input, but at most 1. Of a function whose gradients are all tiny, a gradient of 0 is thus an
        error; what rounding may do to its differences is estimated from wider ones, and allowed.

    Returns
    -------
    True

    Raises
    ------
    GradcheckError
        If any element disagrees or is not finite, if an operation changes the array of the gradient that it is given, or if `fn`
        does not return Tensors, changes its inputs, is not deterministic, or does not depend on its inputs.

    Notes
    -----
    The gradients of the inputs, and of all other tensors that `fn` uses, such as a layer's parameters, are afterwards what they
    were before.

    Examples
    --------
    >>> gradcheck(lambda x: x * x, [np.array([1.0, -2.0])])
    True
    """
    input_list = list(inputs) if isinstance(inputs, (tuple, list)) else [inputs]
    checked = _checked(input_list)
    values = [_as_float64(x) for x in input_list]

    def outputs(*, record: bool) -> tuple[list[Any], list[Tensor]]:
        tensors = [
            Tensor(x.copy(), requires_grad=record and check) if is_array(x) and is_float(x) else x
            for x, check in zip(values, checked, strict=True)
        ]
        result: Any = fn(*tensors)
        ys = list(result) if isinstance(result, (tuple, list)) else [result]
        if not ys or not all(isinstance(y, Tensor) for y in ys):
            raise GradcheckError(f"the function must return Tensors, not {', '.join(type(y).__name__ for y in ys)}")
        check_unchanged(tensors)
        return tensors, ys

    def check_unchanged(tensors: Sequence[Any]) -> None:
        for k, (tensor, x) in enumerate(zip(tensors, values, strict=True)):
            if isinstance(tensor, Tensor) and not _equal(tensor.data, x):
                raise GradcheckError(f"the function changes its input {k} in place")

    def arrays() -> list[np.ndarray]:
        return [y.numpy().astype(np.float64) for y in outputs(record=False)[1]]

    rng = np.random.default_rng(0)
    tensors, results = outputs(record=True)
    # No component of a direction is small, so that an error in any element of the output shows.
    directions = [rng.uniform(0.5, 1.5, y.shape) * rng.choice([-1.0, 1.0], y.shape) for y in results]
    second_run = arrays()
    if any(not np.array_equal(y.numpy(), z, equal_nan=True) for y, z in zip(results, second_run, strict=True)):
        raise GradcheckError("the function gave two different results for the same inputs; fix its random numbers")
    if not any(y.requires_grad for y in results):
        raise GradcheckError("the function's output does not depend on any input that requires a gradient")
    grads = _gradients(tensors, results, directions)
    check_unchanged(tensors)

    def slope(x: Any, index: tuple[int, ...], step: float) -> float:
        """The central difference of ``<v, fn>`` over 2 `step` along one element."""
        value = float(x[index])
        high, low = value + step, value - step
        if not high > value > low:
            raise GradcheckError(f"eps {eps:g} is too small beside the input {value:g}: adding it changes nothing")
        x[index] = high
        above = arrays()
        x[index] = low
        below = arrays()
        x[index] = value
        change = sum(float(np.sum(v * (a - b))) for v, a, b in zip(directions, above, below, strict=True))
        return change / (high - low)  # as rounded, which differs from 2 eps for a large input

    worst = (0.0, "")
    for k, x in enumerate(values):
        if not checked[k]:
            continue
        slopes = {index: slope(x, index, eps) for index in np.ndindex(x.shape)}
        scale = min(1.0, max((abs(s) for s in slopes.values()), default=0.0))
        for index, difference in slopes.items():
            grad = float(grads[k][index])
            allowed = atol * (scale if np.isfinite(scale) else 1.0) + rtol * abs(difference)
            excess = abs(grad - difference) - allowed
            if np.isnan(excess):  # the gradient or the slope is not finite
                excess = np.inf
            elif 0 < excess <= atol:  # that may be rounding or curvature, where all slopes are tiny
                wider = [difference, *(slope(x, index, eps * factor) for factor in (4, 16, 64))]
                if _is_uncertain(grad, wider, allowed):
                    continue
            if excess > worst[0]:
                element = tuple(int(i) for i in index)
                worst = (
                    excess,
                    f"input {k}, element {element}: the gradient is {grad:.9g}, the finite difference is {difference:.9g}",
                )
    if worst[1]:
        raise GradcheckError(f"{worst[1]} (atol {atol:g}, rtol {rtol:g}; this is the worst element)")
    return True


def _is_uncertain(grad: float, slopes: Sequence[float], allowed: float) -> bool:
    """Whether differences over wider and wider steps differ from each other as much as one of them does from the gradient.

    Rounding makes wide ones smaller, curvature makes them larger; where a slope is real they are all alike.
    """
    return any(
        abs(grad - slope) <= allowed + 2 * abs(slope - wider) for slope, wider in zip(slopes, slopes[1:], strict=False)
    )


def _gradients(tensors: Sequence[Any], results: Sequence[Tensor], directions: Sequence[np.ndarray]) -> list[Any]:
    """d<v, fn>/dx of each input as host arrays, zeros where there is none; no other tensor's gradient is changed."""
    from minunet.autograd import reductions  # a prediction does not need them

    # One backward pass for all outputs, since it frees the graph.
    total = (
        results[0]
        if len(results) == 1
        else reductions.total([(y * v).sum() for y, v in zip(results, directions, strict=True)])
    )
    functions = [] if total.creator is None else execution_order(total.creator)
    others = {id(edge): edge for f in functions for edge in f.edges if isinstance(edge, Tensor)}
    before = [(tensor, tensor.grad) for tensor in others.values()]
    try:
        for tensor, _ in before:
            tensor.grad = None
        for function in functions:
            _watch(function)
        total.backward(directions[0].copy() if len(results) == 1 else None)
        return [
            None if not isinstance(t, Tensor) else np.zeros(t.shape) if t.grad is None else to_numpy(t.grad)
            for t in tensors
        ]
    finally:
        for tensor, grad in before:
            tensor.grad = grad


def _watch(function: Function) -> None:
    """Make an operation's backward an error where it changes the gradient that it is given, which other operations may share."""
    backward = function.backward

    def watched(grad_output: Any) -> Any:
        given = grad_output.copy()
        grads = backward(grad_output)
        if not _equal(given, grad_output):
            raise GradcheckError(
                f"{type(function).__name__}.backward changes its grad_output in place; other operations may read the same array"
            )
        return grads

    function.backward = watched  # type: ignore[method-assign]


def _equal(a: Any, b: Any) -> bool:
    return np.array_equal(to_numpy(a), to_numpy(b), equal_nan=True)


def _checked(inputs: Sequence[Any]) -> list[bool]:
    """Whether each input is checked."""
    differentiable = [isinstance(x, Tensor) or (is_array(x) and is_float(x)) for x in inputs]
    requested = [
        can_check and (x.requires_grad if isinstance(x, Tensor) else True)
        for x, can_check in zip(inputs, differentiable, strict=True)
    ]
    if any(requested):
        return requested
    if any(differentiable):
        return differentiable
    raise GradcheckError("there is no floating-point input to check")


def _as_float64(x: Any) -> Any:
    """Tensors and floating-point arrays as new float64 arrays on their device; anything else unchanged."""
    if isinstance(x, Tensor):
        x = x.data
    return x.astype(np.float64) if is_array(x) and is_float(x) else x
