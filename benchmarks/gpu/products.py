"""Compares the convolution kernels of a training step with float64: those for sm_80 and, if allowed, those for sm_90a."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def products(
    device: Any, seed: int | None = None, *, larger: bool = True, say: Callable[[str], None] = lambda text: None
) -> dict[str, Any]:
    """The largest error of each pass over the shapes of the tests, and a few larger ones, on new random numbers.

    Parameters
    ----------
    larger : bool
        Include shapes with several tiles for each multiprocessor.
    say : callable
        Called with the name of each pass and shape before it runs.
    """
    from tests.cuda_on_cpu.device_checks.convolution_passes import (
        CASES,
        MANY_TILES,
        SM_80,
        SM_80_ROUNDING,
        SM_90A,
        passes,
        tolerance,
    )

    rng = np.random.default_rng(seed)
    cases = CASES | MANY_TILES if larger else CASES
    families = [("sm_80", SM_80), ("sm_80 rounding", SM_80_ROUNDING)]
    families += [("sm_90a", SM_90A)] if device.launcher.why_not_sm_90a() is None else []
    worst: dict[str, float] = {}
    failed = []
    for family, kernels in families:
        for precision, what, run in passes(kernels):
            label, limit = f"{family} {precision} {what}", tolerance(precision, what)
            for name, case in cases.items():
                say(f"{label}, {name}")
                try:
                    error = run(device, precision, case, kernels, rng)
                except Exception as problem:  # of any type that a driver raises; the other checks still run
                    failed.append(f"{label}, {name}: {type(problem).__name__}: {problem}")
                    continue
                worst[label] = max(worst.get(label, 0.0), error)
                if not error <= limit:
                    failed.append(f"{label}, {name}: off by {error:.1e} of the largest value, allowed {limit:.0e}")
    return {"largest_error": worst, "failed": failed}
