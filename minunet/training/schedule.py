"""Learning-rate schedules: the rate as a pure function of the step, so that a resumed run needs no state for it.

Three are offered: constant, half a cosine (Loshchilov & Hutter 2017), and one cycle (Smith & Topin 2018). A training that is given
more steps than it began with keeps the rates of those that it had, and a lower cycle follows.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable
from dataclasses import dataclass

WARM_UP = 0.3  # share of the steps over which one cycle rises
START = 1 / 25  # one cycle begins at this share of the peak
END = START / 1e4  # and ends at this share
# The peak of the cycle that follows when a training is made longer, as a share of the first peak. With a quarter, validation Dice
# fell by more than 0.02 in one epoch of three trainings (docs/runs.md).
EXTENSION_PEAK = 0.1


def constant(step: int, steps: int, peak: float) -> float:
    """`peak` at every step."""
    return peak


def cosine(step: int, steps: int, peak: float) -> float:
    """Half a cosine from `peak` at step 0 down to 0 where step `steps` would be.

    Loshchilov & Hutter 2017, "SGDR: stochastic gradient descent with warm restarts", equation 5, without a restart:
    `peak (1 + cos(pi step / steps)) / 2`.
    """
    return _anneal(peak, 0.0, step / steps)


def onecycle(step: int, steps: int, peak: float) -> float:
    """Up along half a cosine from `peak / 25` to `peak` over the first 30 % of the steps, then down to `peak / 250000`.

    Smith & Topin 2018, "Super-convergence: very fast training of neural networks using large learning rates", with the
    cosine arcs and the shares of PyTorch's OneCycleLR; the last step, `steps - 1`, has the lowest rate.
    """
    top = max(WARM_UP * steps - 1, 0.0)  # the step of the peak; a very short run starts there
    if step < top:
        return _anneal(START * peak, peak, step / top)
    return _anneal(peak, END * peak, (step - top) / max(steps - 1 - top, 1.0))


SCHEDULES: dict[str, Callable[[int, int, float], float]] = {
    "constant": constant,
    "cosine": cosine,
    "onecycle": onecycle,
}


@dataclass(frozen=True)
class Schedule:
    """The learning rates of a training of `steps` steps.

    Where the training was made longer, the steps that it had before keep their rates. From there on a cycle of its own covers
    the steps that were added: as `onecycle`, up to `EXTENSION_PEAK * peak`. Only "constant" stays as it is.

    Parameters
    ----------
    name : {"constant", "cosine", "onecycle"}
    peak : float
        The largest rate it gives.
    steps : int
        Optimizer steps of the whole training.
    extended : tuple of int
        The numbers of steps that the training had before it was made longer, in ascending order; each is lower than `steps`.
    """

    name: str
    peak: float
    steps: int
    extended: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.name not in SCHEDULES:
            raise ValueError(f"schedule {self.name!r} is not known; choose one of {', '.join(SCHEDULES)}")
        if self.steps < 1:
            raise ValueError(f"a schedule needs at least one step, not {self.steps}")
        ends = (0, *self.extended, self.steps)
        if any(end <= start for start, end in zip(ends[:-1], ends[1:], strict=True)):
            raise ValueError(f"extended {self.extended}: give ascending numbers of steps from 1 to {self.steps - 1}")

    def __call__(self, step: int) -> float:
        """The learning rate of step `step`, counted from 0."""
        ends = (*self.extended, self.steps)
        number = min(bisect.bisect_right(ends, step), len(ends) - 1)  # of the part of the training that the step is in
        if number == 0 or self.name == "constant":
            return SCHEDULES[self.name](step, ends[0], self.peak)
        start = ends[number - 1]
        return onecycle(step - start, ends[number] - start, EXTENSION_PEAK * self.peak)


def _anneal(start: float, end: float, share: float) -> float:
    """From `start` to `end` along half a cosine; `share` of the way, clipped to 0..1."""
    share = min(max(share, 0.0), 1.0)
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
