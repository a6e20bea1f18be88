"""The calls of primitives in a run of a network, in order, with the time of each."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.cpu.unet_calls import direct_flops
from benchmarks.timing import WARM_UP, alternate
from minunet.kernels.dispatch import Primitive, intercept_calls
from minunet.kernels.dry_run import first_shape

Clock = Callable[[], float]


@dataclass(frozen=True)
class Call:
    """One call of a primitive.

    Attributes
    ----------
    operation : str
        Name of the primitive.
    algorithm : str
        Name of the candidate that computed it.
    shape : tuple of int
        Shape of the first result; () for a number or an operation in place.
    flops : float
        Multiplications and additions of the direct algorithm; 0 for operations other than convolutions.
    """

    operation: str
    algorithm: str
    shape: tuple[int, ...]
    flops: float


@dataclass(frozen=True)
class TimedCalls:
    """The calls of every run, and their times.

    Attributes
    ----------
    calls : list of Call
        In order.
    seconds : list of list of float
        The time of each call in each round: `seconds[call][round]`. Without the time to choose the candidate.
    whole : list of float
        Seconds of the whole run in each round.
    """

    calls: list[Call]
    seconds: list[list[float]]
    whole: list[float]

    def outside(self) -> list[float]:
        """Seconds of each round outside of primitives: autograd, the choice of candidates, and so on."""
        return [whole - sum(calls) for whole, *calls in zip(self.whole, *self.seconds, strict=True)]


def time_calls(
    run: Callable[[], Any],
    rounds: int,
    progress: Callable[[], None] | None = None,
    clock: Clock = time.perf_counter,
) -> TimedCalls:
    """Time every call that `run` makes of a primitive, for `rounds` rounds after the warm-up.

    Parameters
    ----------
    run : callable
        Must make the same calls every time.
    rounds : int
        Counted rounds, at least 1.
    progress : callable, optional
        Called after every round.
    clock : callable
        Returns the time in seconds.
    """
    timers: list[_CallTimer] = []

    def timed_run() -> None:
        timers.append(_CallTimer(clock))
        with intercept_calls(timers[-1].answer):
            run()

    whole = alternate({"run": timed_run}, rounds, progress, clock=clock).seconds["run"]
    first, *_ = counted = timers[WARM_UP:]
    if any(timer.calls != first.calls for timer in counted):
        raise RuntimeError("the calls of primitives differ from round to round")
    seconds = [list(times) for times in zip(*(timer.seconds for timer in counted), strict=True)]
    return TimedCalls(first.calls, seconds, whole)


@dataclass
class _CallTimer:
    """Computes primitives as dispatch does, and records each call of one run with its time."""

    clock: Clock
    calls: list[Call] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def answer(self, primitive: Primitive, args: tuple[Any, ...]) -> Any:
        candidate = primitive.choose(*args)
        began = self.clock()
        result = candidate.run(*args)
        self.seconds.append(self.clock() - began)
        flops = direct_flops(primitive.name, args)
        self.calls.append(Call(primitive.name, candidate.name, first_shape(result), flops))
        return result
