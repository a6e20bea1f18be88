"""Gradients against finite differences: the proof that a backward pass differentiates its forward pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minunet.autograd import reductions
from minunet.autograd.conversion import is_float
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
        A gradient g and its difference d agree if ``|g - d| <= atol + rtol |d|``.

    Returns
    -------
    True

    Raises
    ------
    GradcheckError
        If any element disagrees or is not finite, or if `fn` does not return Tensors, is not deterministic, or does not depend
        on its inputs.

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
        return tensors, ys

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
    if len(results) == 1:
        results[0].backward(directions[0])
    else:  # one backward pass for all outputs, since it frees the graph
        reductions.total([(y * v).sum() for y, v in zip(results, directions, strict=True)]).backward()

    worst = (0.0, "")
    for k, (tensor, x) in enumerate(zip(tensors, values, strict=True)):
        if not checked[k]:
            continue
        grad = np.zeros(x.shape) if tensor.grad is None else to_numpy(tensor.grad)
        for index in np.ndindex(x.shape):
            value = float(x[index])
            x[index] = value + eps
            above = arrays()
            x[index] = value - eps
            below = arrays()
            x[index] = value
            change = sum(float(np.sum(v * (a - b))) for v, a, b in zip(directions, above, below, strict=True))
            slope = change / (2 * eps)
            excess = abs(grad[index] - slope) - (atol + rtol * abs(slope))
            if np.isnan(excess):  # the gradient or the slope is not finite
                excess = np.inf
            if excess > worst[0]:
                element = tuple(int(i) for i in index)
                worst = (
                    excess,
                    f"input {k}, element {element}: the gradient is {grad[index]:.9g}, the finite difference is {slope:.9g}",
                )
    if worst[1]:
        raise GradcheckError(f"{worst[1]} (atol {atol:g}, rtol {rtol:g}; this is the worst element)")
    return True


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
