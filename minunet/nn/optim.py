"""Optimizers: they update parameters from their gradients. Their state is plain arrays and numbers, so that training can resume."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from minunet.autograd import Tensor
from minunet.kernels import primitives
from minunet.kernels.backend import Array, array_module, device_of, to_device, to_numpy


class Optimizer:
    """Base of the optimizers: parameters, counts of steps, and named lists of arrays with one array per parameter.

    Attributes
    ----------
    lr : float
        Step size; it may be changed before every step.
    steps : int
        Number of calls of `step`.
    """

    def __init__(self, params: Iterable[Tensor], lr: float, state_names: tuple[str, ...]):
        self.params = list(params)
        if not self.params:
            raise ValueError(f"{type(self).__name__}: there are no parameters to optimize")
        if not all(isinstance(p, Tensor) for p in self.params):
            raise ValueError(f"{type(self).__name__}: params must be Tensors, such as model.parameters()")
        if len({id(p) for p in self.params}) < len(self.params):
            raise ValueError(f"{type(self).__name__}: a parameter is given twice; it would be updated twice")
        _positive(type(self).__name__, "lr", lr, zero=True)
        self.lr = lr
        self.steps = 0
        # Number of updates of each parameter: a step does not update a parameter without a gradient.
        self.updates = np.zeros(len(self.params), np.int64)
        self.state = {name: [array_module(p.data).zeros_like(p.data) for p in self.params] for name in state_names}

    def zero_grad(self) -> None:
        """Forget every gradient."""
        for p in self.params:
            p.grad = None

    def step(self) -> None:
        """Update every parameter that has a gradient, in place."""
        raise TypeError(f"{type(self).__name__} does not define step")

    def settings(self) -> dict[str, Any]:
        """The hyper-parameters, as plain numbers."""
        return {"lr": self.lr}

    def state_dict(self) -> dict[str, Any]:
        """Number of steps, updates of each parameter, hyper-parameters, and copies of the arrays as "name.index"."""
        arrays = {name: to_numpy(array).copy() for name, array in self._arrays().items()}
        return {"step": self.steps, "updates": self.updates.copy(), **self.settings(), **arrays}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load what `state_dict` returned; the number of parameters and their shapes must be the same.

        Raises
        ------
        ValueError
            If an entry is missing, unknown or has another shape; the message lists every one, and nothing is loaded.
        """
        own = {"updates": self.updates, **self._arrays()}
        names = ["step", *self.settings(), *own]
        problems = [f"{name} is missing" for name in names if name not in state]
        problems += [f"{name} is not part of this optimizer" for name in state if name not in names]
        problems += [
            f"{name} has shape {np.shape(state[name])}, expected {array.shape}"
            for name, array in own.items()
            if name in state and np.shape(state[name]) != array.shape
        ]
        if problems:
            raise ValueError(f"{type(self).__name__}.load_state_dict: " + "; ".join(problems))
        for name, array in own.items():
            array[...] = array_module(array).asarray(state[name], dtype=array.dtype)
        self.steps = int(state["step"])
        for name in self.settings():
            setattr(self, name, float(state[name]))

    def _arrays(self) -> dict[str, Array]:
        return {f"{name}.{k}": array for name, group in self.state.items() for k, array in enumerate(group)}

    def _begin(self) -> list[int]:
        """Count the step and the updates; return the indices of the parameters that have a gradient."""
        indices = [k for k, p in enumerate(self.params) if p.grad is not None]
        self.steps += 1
        self.updates[indices] += 1
        for group in self.state.values():
            for k in indices:  # the parameter may have been moved or converted since the last step
                p = self.params[k].data
                if group[k].dtype != p.dtype or device_of(group[k]) != device_of(p):
                    group[k] = to_device(group[k].astype(p.dtype), device_of(p))
        return indices


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015, algorithm 1).

    Parameters
    ----------
    params : iterable of Tensor
    lr : float
        Step size; it may be changed before every step.
    betas : pair of floats
        Decay of the running means of the gradient and of its square.
    eps : float
        Added to the root of the second mean.
    weight_decay : float
        Times the parameter, added to its gradient (L2 regularisation).
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ):
        super().__init__(params, lr, ("exp_avg", "exp_avg_sq"))
        if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"Adam: betas must be two numbers in [0, 1), got {betas!r}")
        _positive("Adam", "eps", eps, zero=True)
        _positive("Adam", "weight_decay", weight_decay, zero=True)
        self.beta1, self.beta2 = (float(beta) for beta in betas)
        self.eps, self.weight_decay = float(eps), float(weight_decay)

    def settings(self) -> dict[str, Any]:
        return {
            "lr": self.lr,
            "beta1": self.beta1,
            "beta2": self.beta2,
            "eps": self.eps,
            "weight_decay": self.weight_decay,
        }

    def step(self) -> None:
        """Update every parameter that has a gradient, in place."""
        indices = self._begin()
        # The bias correction uses each parameter's own number of updates, as in PyTorch; they are nearly always the same.
        for count in np.unique(self.updates[indices]):
            group = [k for k in indices if self.updates[k] == count]
            primitives.adam(
                [self.params[k].data for k in group],
                [self.params[k].grad for k in group],
                [self.state["exp_avg"][k] for k in group],
                [self.state["exp_avg_sq"][k] for k in group],
                int(count),
                float(self.lr),  # a NumPy number would turn float32 arithmetic into float64
                (self.beta1, self.beta2),
                self.eps,
                self.weight_decay,
            )


class SGD(Optimizer):
    """Gradient descent with momentum: v = momentum v + g; p -= lr v (Sutskever et al. 2013, in PyTorch's form).

    Parameters
    ----------
    params : iterable of Tensor
    lr : float
    momentum : float
        In [0, 1); 0 is plain gradient descent.
    """

    def __init__(self, params: Iterable[Tensor], lr: float, momentum: float = 0.0):
        if not 0 <= momentum < 1:
            raise ValueError(f"SGD: momentum must be in [0, 1), got {momentum!r}")
        super().__init__(params, lr, ("velocity",) if momentum else ())
        self.momentum = float(momentum)

    def settings(self) -> dict[str, Any]:
        return {"lr": self.lr, "momentum": self.momentum}

    def step(self) -> None:
        """Update every parameter that has a gradient, in place."""
        for k in self._begin():
            p = self.params[k]
            change: Array = p.grad
            if self.momentum:
                change = self.state["velocity"][k]
                change *= self.momentum
                change += p.grad
            p.data -= float(self.lr) * change


def _positive(optimizer: str, name: str, value: float, *, zero: bool = False) -> None:
    if not (value > 0 or (zero and value == 0)) or value == float("inf"):
        raise ValueError(f"{optimizer}: {name} must be a positive number{' or 0' if zero else ''}, got {value!r}")
