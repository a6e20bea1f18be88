"""Alternating measurements: every contestant runs once per round, so that a drift of the machine's speed affects all alike.

Ratios are computed within a round and then summarised. On a shared machine, absolute times are not reliable.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

PAUSE = 0.03  # seconds between contestants, until the worker threads of the last one stop spinning
WARM_UP = 2  # rounds that are not counted


@dataclass(frozen=True)
class Timings:
    """Seconds of each contestant in each round.

    Attributes
    ----------
    seconds : dict of str to list of float
    """

    seconds: dict[str, list[float]]

    def median(self, name: str) -> float:
        """The median over the rounds, in seconds."""
        return statistics.median(self.seconds[name])

    def ratio(self, names: list[str], ours: str) -> tuple[float, float, float]:
        """The time of the fastest of `names` divided by the time of `ours`: median, lowest and highest over the rounds."""
        rounds = [
            min(others) / own
            for own, *others in zip(self.seconds[ours], *(self.seconds[name] for name in names), strict=True)
        ]
        return statistics.median(rounds), min(rounds), max(rounds)

    def to_dict(self) -> dict[str, dict[str, float]]:
        """Median, lowest and highest milliseconds of each contestant."""
        return {
            name: {
                "median_ms": 1e3 * statistics.median(seconds),
                "min_ms": 1e3 * min(seconds),
                "max_ms": 1e3 * max(seconds),
                "rounds": len(seconds),
            }
            for name, seconds in self.seconds.items()
        }


def alternate(
    contestants: Mapping[str, Callable[[], object]],
    rounds: int,
    progress: Callable[[], None] | None = None,
    warm_up: int = WARM_UP,
    clock: Callable[[], float] = time.perf_counter,
) -> Timings:
    """Run each contestant once per round, for `rounds` rounds after the warm-up.

    Parameters
    ----------
    contestants : mapping of str to callable
        Where one has a method `prepare`, it is called before each of its runs, and takes none of its time.
    rounds : int
        Counted rounds, at least 1.
    progress : callable, optional
        Called after every round.
    warm_up : int
        Rounds before the counted ones.
    clock : callable
        Returns the time in seconds.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for k in range(rounds + warm_up):
        for name, run in contestants.items():
            time.sleep(PAUSE)
            if prepare := getattr(run, "prepare", None):
                prepare()
            began = clock()
            run()
            elapsed = clock() - began
            if k >= warm_up:
                seconds[name].append(elapsed)
        if progress is not None:
            progress()
    return Timings(seconds)
