"""Optimizers: what turns gradients into new weights; their state is plain arrays and numbers, so that training can resume."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from minunet.autograd import Tensor
from minunet.kernels import reference
from minunet.kernels.backend import array_module, to_numpy


class Optimizer:
    """A list of parameters, a step count, and named lists of arrays, one array per parameter."""

    def __init__(self, params: Iterable[Tensor], lr: float, state_names: tuple[str, ...]):
        self.params = list(params)
        if not self.params:
            raise ValueError(f"{type(self).__name__}: there are no parameters to optimize")
        if not all(isinstance(p, Tensor) for p in self.params):
            raise ValueError(f"{type(self).__name__}: params must be Tensors, such as model.parameters()")
        _positive(type(self).__name__, "lr", lr, zero=True)
        self.lr = lr
        self.steps = 0
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
        """Step count, hyper-parameters, and copies of the arrays as "name.place"."""
        arrays = {
            f"{name}.{k}": to_numpy(array).copy() for name, group in self.state.items() for k, array in enumerate(group)
        }
        return {"step": self.steps, **self.settings(), **arrays}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave; the parameters must be as many and of the same shapes.

        Raises
        ------
        ValueError
            If an entry is missing or has another shape; the message lists every one, and nothing is loaded.
        """
        wanted = {f"{name}.{k}": array for name, group in self.state.items() for k, array in enumerate(group)}
        problems = [f"{key} is missing" for key in ("step", *self.settings(), *wanted) if key not in state]
        problems += [
            f"{key} has shape {tuple(state[key].shape)}, expected {array.shape}"
            for key, array in wanted.items()
            if key in state and tuple(state[key].shape) != array.shape
        ]
        if problems:
            raise ValueError(f"{type(self).__name__}.load_state_dict: " + "; ".join(problems))
        for key, array in wanted.items():
            array[...] = array_module(array).asarray(state[key])
        self.steps = int(state["step"])
        for key in self.settings():
            setattr(self, key, state[key])

    def _with_gradients(self) -> list[int]:
        return [k for k, p in enumerate(self.params) if p.grad is not None]


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015, algorithm 1).

    Parameters
    ----------
    params : iterable of Tensor
    lr : float
        Step size; may be set anew before every step.
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
        if not all(0 <= beta < 1 for beta in betas) or len(betas) != 2:
            raise ValueError(f"Adam: betas must be two numbers in [0, 1), got {betas!r}")
        _positive("Adam", "eps", eps, zero=True)
        _positive("Adam", "weight_decay", weight_decay, zero=True)
        self.beta1, self.beta2 = betas
        self.eps, self.weight_decay = eps, weight_decay

    def settings(self) -> dict[str, Any]:
        return {
            "lr": self.lr,
            "beta1": self.beta1,
            "beta2": self.beta2,
            "eps": self.eps,
            "weight_decay": self.weight_decay,
        }

    def step(self) -> None:
        """Update every parameter that has a gradient, in place; one call counts as one step for the bias correction."""
        self.steps += 1
        here = self._with_gradients()
        reference.adam(
            [self.params[k].data for k in here],
            [self.params[k].grad for k in here],
            [self.state["exp_avg"][k] for k in here],
            [self.state["exp_avg_sq"][k] for k in here],
            self.steps,
            self.lr,
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
        self.momentum = momentum

    def settings(self) -> dict[str, Any]:
        return {"lr": self.lr, "momentum": self.momentum}

    def step(self) -> None:
        """Update every parameter that has a gradient, in place."""
        self.steps += 1
        for k in self._with_gradients():
            p = self.params[k]
            if not self.momentum:
                p.data -= self.lr * p.grad
                continue
            velocity = self.state["velocity"][k]
            velocity *= self.momentum
            velocity += p.grad
            p.data -= self.lr * velocity


def _positive(optimizer: str, name: str, value: float, *, zero: bool = False) -> None:
    if not (value > 0 or (zero and value == 0)) or value == float("inf"):
        raise ValueError(f"{optimizer}: {name} must be a positive number{' or 0' if zero else ''}, got {value!r}")
