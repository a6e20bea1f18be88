"""Checks that Hopper's bulk copies, barriers and wgmma do on the device what the host shim assumes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

# Sums in float32 of up to 320 products of standard normal numbers; with a wrong layout the error is more than 1.
LIMIT = 2e-3


def hopper_conformance(device: Any, say: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """Compare the right kernels of hopper_instructions.cu on the device with float64.

    Parameters
    ----------
    say : callable
        Called with the name of each before it runs.

    Returns
    -------
    dict
        {"largest_error": by name, "failed": sentences}, or {"skipped": reason} on a GPU of another compute capability than 9.0.
    """
    architecture = getattr(device.launcher, "architecture", lambda: "sm_90")()  # the host shim imitates any GPU
    if architecture != "sm_90":
        return {"skipped": f"only sm_90 has these instructions, this GPU is {architecture}"}
    found: dict[str, float] = {}
    failed = []
    for name, limit, work in _cases(device):
        say(name)
        try:
            result, expected = work()
        except Exception as error:  # of any type that a driver raises; after that the process has no working GPU
            failed.append(f"{name}: {type(error).__name__}: {error}; the checks after it did not run")
            break
        found[name] = float(np.abs(result.astype(np.float64) - expected).max())
        if not found[name] <= limit:
            failed.append(f"{name}: wrong by {found[name]:.3g}, more than {limit:g}")
    return {"largest_error": found, "failed": failed}


def _cases(device: Any) -> Iterator[tuple[str, float, Any]]:
    """(name, largest allowed error, function that returns a result and the expected one)."""
    from tests.cuda_on_cpu.device_checks import hopper_instructions as cases

    for itemsize in (2, 4):
        # The innermost coordinate is a multiple of 16 bytes, as in the kernels; another one is an illegal instruction on an H200.
        for corner in ((0, 0, 0, 0), (-16 // itemsize, -2, -1, -1), (40, 5, -3, 1)):
            name = f"box of {itemsize}-byte elements at {corner}"
            yield name, 0, lambda itemsize=itemsize, corner=corner: cases.box(device, itemsize, corner)
    yield "stmatrix transposed", 0, lambda: cases.transpose(device)
    for kind in cases.PRODUCTS:
        yield f"product {kind}", LIMIT, lambda kind=kind: cases.product(device, kind)
