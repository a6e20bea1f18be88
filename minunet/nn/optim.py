"""Optimizers: they update parameters from their gradients. Their state is plain arrays and numbers, so that training can resume."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from minunet.autograd import Tensor
from minunet.kernels import primitives
from minunet.kernels.backend import Array
from minunet.nn.module import Module
from minunet.nn.optimizer_base import Optimizer, out_of_range, raise_if_any

__all__ = ["SGD", "Adam", "Optimizer"]


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015, algorithm 1).

    Parameters
    ----------
    params : Module or iterable of Tensor
        A model, or tensors such as `model.parameters()`.
    lr : float
        Step size; it may be changed before every step.
    betas : pair of floats
        Decay of the running means of the gradient and of its square.
    eps : float
        Added to the root of the second mean.
    weight_decay : float
        Times the parameter, added to its gradient (L2 regularisation).

    Raises
    ------
    ValueError
        If a setting is out of range, or `params` has no tensors, or others than a model or a list of tensors.

    Examples
    --------
    >>> from minunet import nn
    >>> model = nn.Linear(3, 2)
    >>> optimizer = Adam(model, lr=0.01)
    >>> for step in range(3):
    ...     optimizer.zero_grad()
    ...     loss = (model(np.ones((1, 3), np.float32)) ** 2).sum()
    ...     loss.backward()
    ...     optimizer.step()
    """

    is_elementwise = True

    def __init__(
        self,
        params: Module | Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ):
        super().__init__(params, lr, ("exp_avg", "exp_avg_sq"))
        if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"Adam: betas must be two numbers in [0, 1), got {betas!r}")
        self.beta1, self.beta2 = (float(beta) for beta in betas)
        self.eps, self.weight_decay = float(eps), float(weight_decay)
        raise_if_any("Adam", self.problems_of(self.settings()))

    def settings(self) -> dict[str, Any]:
        return {
            "lr": self.lr,
            "beta1": self.beta1,
            "beta2": self.beta2,
            "eps": self.eps,
            "weight_decay": self.weight_decay,
        }

    def problems_of(self, settings: Mapping[str, float]) -> list[str]:
        problems = super().problems_of(settings)
        for name in ("beta1", "beta2"):
            problems += out_of_range(settings, name, lambda beta: 0 <= beta < 1, "in [0, 1)")
        for name in ("eps", "weight_decay"):
            problems += out_of_range(settings, name, lambda value: 0 <= value < math.inf, "a positive number or 0")
        return problems

    def step(self) -> None:
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
    params : Module or iterable of Tensor
        A model, or tensors such as `model.parameters()`.
    lr : float
    momentum : float
        In [0, 1); 0 is plain gradient descent.

    Raises
    ------
    ValueError
        If a setting is out of range, or `params` has no tensors, or others than a model or a list of tensors.

    Examples
    --------
    >>> x = Tensor([1.0], requires_grad=True)
    >>> optimizer = SGD([x], lr=0.25)
    >>> (x**2).sum().backward()
    >>> optimizer.step()
    >>> x.data
    array([0.5], dtype=float32)
    """

    is_elementwise = True

    def __init__(self, params: Module | Iterable[Tensor], lr: float, momentum: float = 0.0):
        super().__init__(params, lr, ("velocity",) if momentum else ())
        self.momentum = float(momentum)
        raise_if_any("SGD", self.problems_of(self.settings()))

    def settings(self) -> dict[str, Any]:
        return {"lr": self.lr, "momentum": self.momentum}

    def problems_of(self, settings: Mapping[str, float]) -> list[str]:
        problems = super().problems_of(settings)
        problems += out_of_range(settings, "momentum", lambda momentum: 0 <= momentum < 1, "in [0, 1)")
        if not problems and settings.get("momentum") and "velocity" not in self.state:
            problems.append(f"momentum is {settings['momentum']:g}, but this SGD was made without momentum")
        return problems

    def step(self) -> None:
        for k in self._begin():
            p = self.params[k]
            change: Array = p.grad
            if self.momentum:
                change = self.state["velocity"][k]
                change *= self.momentum
                change += p.grad
            p.data -= float(self.lr) * change
