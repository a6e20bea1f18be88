"""The update of all parameters by each rank for itself, on gradients that every rank has. It has the methods of `SharedUpdate`."""

from __future__ import annotations

from minunet.nn.optim import Optimizer
from minunet.training.clipping import clip_gradients
from minunet.training.gradient_sum import GradientSum


class WholeUpdate:
    """The step of an optimizer on the gradients that a `GradientSum` has finished.

    Parameters
    ----------
    optimizer : Optimizer
    gradients : GradientSum
        Of its parameters.
    """

    def __init__(self, optimizer: Optimizer, gradients: GradientSum):
        self.optimizer, self.gradients = optimizer, gradients

    def take_gradients(self) -> None:
        """Give the parameters their gradients; on all ranks."""
        self.gradients.hand_out()

    def clip(self, limit: float) -> float:
        """As `clip_gradients`."""
        return clip_gradients(self.optimizer.params, limit)

    def step(self) -> None:
        """Update all values."""
        self.optimizer.step()

    def complete_state(self) -> None:
        """Nothing: every rank has the whole state."""
