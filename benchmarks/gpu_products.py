"""The training step's convolution kernels on the device against float64: those of sm_80 and, where it is one, of sm_90a."""

from __future__ import annotations

from typing import Any

import numpy as np

from minunet.kernels.cuda import ampere, hopper


def products(device: Any, seed: int | None = None, *, larger: bool = True) -> dict[str, Any]:
    """The largest error of each pass over the tests' ragged shapes, and a few larger ones, on fresh random numbers.

    Parameters
    ----------
    larger : bool
        Also shapes that give each multiprocessor several tiles.
    """
    from cuda_on_cpu.products import CASES, TOLERANCES, Case, passes

    rng = np.random.default_rng(seed)
    cases = dict(CASES)
    if larger:
        cases["many tiles"] = Case((3, 144, 202), (64,), 64, (True,))
        cases["many tiles, two sources"] = Case((4, 48, 76), (192, 64), 256, (True, True))
    modules = [("sm_80", ampere)] + ([("sm_90a", hopper)] if device.launcher.why_not_sm_90a() is None else [])
    worst: dict[str, float] = {}
    failed = []
    for kernels, module in modules:
        for precision, what, run in passes(module):
            label, limit = f"{kernels} {precision} {what}", TOLERANCES.get(what, TOLERANCES[precision])
            for name, case in cases.items():
                error = run(device, precision, case, module, rng)
                worst[label] = max(worst.get(label, 0.0), error)
                if not error <= limit:
                    failed.append(f"{label}, {name}: off by {error:.1e} of the largest value, allowed {limit:.0e}")
    return {"largest_error": worst, "failed": failed}
