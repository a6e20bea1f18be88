"""An optimizer: parameters, counts of steps and arrays beside them, which can be saved and loaded, so that training can resume."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minunet.autograd import Tensor
from minunet.kernels.backend import Array, array_module, device_of, to_device, to_numpy
from minunet.kernels.plain_array import plain
from minunet.nn.module import Module
from minunet.nn.optimizer_parameters import gradient_problem, parameter_list
from minunet.nn.state_dict_checks import fitting_arrays


class Optimizer:
    """Base of the optimizers: parameters, counts of steps, and named lists of arrays with one array per parameter.

    Parameters
    ----------
    params : Module or iterable of Tensor
        A model, or tensors such as `model.parameters()`.
    lr : float
        Step size.
    state_names : tuple of str
        The arrays that a kind of optimizer keeps for each parameter, such as ("velocity",).

    Attributes
    ----------
    lr : float
        Step size; it may be changed before every step.
    steps : int
        Number of calls of `step`.
    is_elementwise : bool
        Whether a step changes each value by itself, whatever the others are; False unless the class that defines `step` says
        so. Then processes that share a training update a part of the values each, else all of them.

    Examples
    --------
    >>> class Descent(Optimizer):
    ...     def step(self):
    ...         for k in self._begin():
    ...             self.params[k].data -= self.lr * self.params[k].grad
    >>> x = Tensor([1.0], requires_grad=True)
    >>> (x**2).sum().backward()
    >>> Descent([x], 0.25, ()).step()
    >>> x.data
    array([0.5], dtype=float32)
    """

    is_elementwise = False

    def __init_subclass__(cls) -> None:
        # It holds for a step of the same class, or of one above it: what is said there does not hold for a step below.
        says = next(kind for kind in cls.__mro__ if {"step", "is_elementwise"} & vars(kind).keys())
        cls.is_elementwise = vars(says).get("is_elementwise", False)

    def __init__(self, params: Module | Iterable[Tensor], lr: float, state_names: tuple[str, ...]):
        self.params = parameter_list(type(self).__name__, params)
        self.lr = lr
        self.steps = 0
        raise_if_any(type(self).__name__, self._unfit_dtypes())
        # Number of updates of each parameter: a step does not update a parameter without a gradient.
        self.updates = np.zeros(len(self.params), np.int64)
        self.state = {name: [array_module(p.data).zeros_like(p.data) for p in self.params] for name in state_names}

    def zero_grad(self) -> None:
        """Forget every gradient; call it before each backward pass, since gradients add up.

        Examples
        --------
        >>> from minunet import optim
        >>> x = Tensor([1.0], requires_grad=True)
        >>> optimizer = optim.SGD([x], 0.1)
        >>> x.sum().backward()
        >>> optimizer.zero_grad()
        >>> x.grad is None
        True
        """
        for p in self.params:
            p.grad = None

    def step(self) -> None:
        """Update every parameter that has a gradient, in place.

        Raises
        ------
        ValueError
            If a gradient does not fit its parameter; nothing is updated then.
        TypeError
            If the class defines no step.

        Examples
        --------
        >>> from minunet import optim
        >>> x = Tensor([1.0], requires_grad=True)
        >>> optimizer = optim.SGD([x], 0.25)
        >>> (x**2).sum().backward()
        >>> optimizer.step()
        >>> x.data
        array([0.5], dtype=float32)
        """
        raise TypeError(f"{type(self).__name__} does not define step")

    def step_parts(self, parts: Sequence[tuple[int, slice]], gradients: Sequence[Array]) -> None:
        """A step that updates some values only; other processes update the rest, and bring the parameters together.

        Parameters
        ----------
        parts : sequence of (int, slice)
            Which values: the index of a parameter, and some of its flat array.
        gradients : sequence of array
            Of these values, one-dimensional.

        Raises
        ------
        ValueError
            If the optimizer is not elementwise.

        Examples
        --------
        >>> from minunet import optim
        >>> x = Tensor([1.0, 1.0, 1.0])
        >>> optim.SGD([x], 0.25).step_parts([(0, slice(1, 3))], [np.ones(2, np.float32)])
        >>> x.data
        array([1.  , 0.75, 0.75], dtype=float32)
        """
        import copy  # a prediction does not need it

        if not self.is_elementwise:
            raise ValueError(f"{type(self).__name__} does not update parts of parameters")
        self._match_state(range(len(self.params)))
        own = copy.copy(self)  # of the same kind, over views of the values and of the state
        own.params = [Tensor(self.params[k].data.reshape(-1)[part]) for k, part in parts]
        own.state = {name: [group[k].reshape(-1)[part] for k, part in parts] for name, group in self.state.items()}
        own.updates = self.updates[[k for k, _ in parts]]
        for part, gradient in zip(own.params, gradients, strict=True):
            part.grad = gradient
        own.step()
        self.steps += 1
        self.updates += 1
        for p in self.params:
            p.mark_changed()

    def settings(self) -> dict[str, Any]:
        """The hyper-parameters, as plain numbers."""
        return {"lr": self.lr}

    def state_dict(self) -> dict[str, Any]:
        """All that a stopped training needs to go on: numbers and arrays, as `load_state_dict` takes them.

        Returns
        -------
        dict
            Number of steps, updates of each parameter, hyper-parameters, and copies of the arrays as "name.index" in host memory.

        Examples
        --------
        >>> from minunet import optim
        >>> list(optim.SGD([Tensor([1.0])], 0.1, momentum=0.9).state_dict())
        ['step', 'updates', 'lr', 'momentum', 'velocity.0']
        """
        arrays = {name: to_numpy(array).copy() for name, array in self._arrays().items()}
        return {"step": self.steps, "updates": self.updates.copy(), **self.settings(), **arrays}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load what `state_dict` returned; the number of parameters and their shapes must be the same.

        Parameters
        ----------
        state : mapping
            Of the names to numbers and arrays.

        Raises
        ------
        ValueError
            If an entry is missing, unknown, has another shape, or holds an impossible value; the message lists every
            one, and nothing is loaded.

        Examples
        --------
        >>> from minunet import optim
        >>> one, other = optim.SGD([Tensor([1.0])], 0.1), optim.SGD([Tensor([1.0])], 0.5)
        >>> other.load_state_dict(one.state_dict())
        >>> other.lr
        0.1
        """
        name = f"{type(self).__name__}.load_state_dict"
        if not isinstance(state, Mapping):
            raise ValueError(f"{name}: the state must map names to numbers and arrays, got {type(state).__name__}")
        numbers = {"step": self.steps, **self.settings()}
        problems = [f"{key} is missing" for key in numbers if key not in state]
        settings = {}
        for key in numbers:
            if key in state:
                number = np.asarray(state[key])
                if number.ndim == 0 and number.dtype.kind in "iuf":
                    settings[key] = float(number)
                else:
                    problems.append(f"{key} must be a number, got {state[key]!r}")
        problems += self.problems_of(settings)
        steps = settings.pop("step", 0.0)
        if not (steps >= 0 and steps.is_integer()):
            problems.append(f"step must be a whole number of at least 0, got {state['step']!r}")
        own = {"updates": self.updates, **self._arrays()}
        others = {key: value for key, value in state.items() if key not in numbers}
        arrays = fitting_arrays(others, own, "part of this optimizer", problems)
        updates = arrays.get("updates")
        if updates is not None and bool(((updates < 0) | (updates > steps)).any()):
            problems.append(f"updates must be between 0 and step, {steps:g}")
        problems += [
            f"{key} holds negative numbers, and is a mean of squares"
            for key, array in arrays.items()
            if key.startswith("exp_avg_sq.") and array is not None and bool((array < 0).any())
        ]
        raise_if_any(name, problems)
        for key, array in own.items():
            array[...] = arrays[key]
        self.steps = int(steps)
        for key, value in settings.items():
            setattr(self, key, value)

    def problems_of(self, settings: Mapping[str, float]) -> list[str]:
        """The problems of hyper-parameters, a sentence for each; those that are missing are not checked."""
        return out_of_range(settings, "lr", lambda lr: 0 <= lr < math.inf, "a positive number or 0")

    def _arrays(self) -> dict[str, Array]:
        return {f"{name}.{k}": array for name, group in self.state.items() for k, array in enumerate(group)}

    def _unfit_dtypes(self) -> list[str]:
        return [
            f"params[{k}] is {p.dtype}, in which most updates are lost in rounding; keep parameters in float32 or float64"
            for k, p in enumerate(self.params)
            if p.dtype.itemsize < 4
        ]

    def _begin(self) -> list[int]:
        """Count the step and the updates; return the indices of the parameters that have a gradient, which are to be changed now.

        Raises
        ------
        ValueError
            If a gradient is not an array of its parameter's shape and device, or a parameter has a 16-bit dtype; nothing is
            updated then.
        """
        indices = [k for k, p in enumerate(self.params) if p.grad is not None]
        problems = self._unfit_dtypes()
        problems += [f"params[{k}] {problem}" for k in indices if (problem := gradient_problem(self.params[k]))]
        raise_if_any(f"{type(self).__name__}.step", problems)
        for k in indices:
            self.params[k].grad = plain(self.params[k].grad)
            self.params[k].mark_changed()
        self.steps += 1
        self.updates[indices] += 1
        self._match_state(indices)
        return indices

    def _match_state(self, indices: Iterable[int]) -> None:
        """Bring the state to the dtype and the device of parameters, which may have been moved or converted since the last step."""
        for group in self.state.values():
            for k in indices:
                p = self.params[k].data
                if group[k].dtype != p.dtype or device_of(group[k]) != device_of(p):
                    group[k] = to_device(group[k].astype(p.dtype), device_of(p))


def out_of_range(settings: Mapping[str, float], name: str, fits: Callable[[float], bool], needed: str) -> list[str]:
    return [f"{name} must be {needed}, got {settings[name]!r}"] if name in settings and not fits(settings[name]) else []


def raise_if_any(optimizer: str, problems: list[str]) -> None:
    """Raise one ValueError with all problems."""
    if problems:
        raise ValueError(f"{optimizer}: " + "; ".join(problems))
