"""Checks the kernels of sm_90a on a GPU: its instructions, every pass against float64, and a training compared with NumPy.

`check_in_a_process` runs the check in a process that can be ended: a barrier that waits for too many bytes hangs the GPU and the
process with it.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.gpu.bare_checkout import prepare

prepare()

from benchmarks.gpu.device import Gpu  # noqa: E402
from benchmarks.gpu.hopper import hopper_conformance  # noqa: E402
from benchmarks.gpu.limited_process import answer_of  # noqa: E402
from benchmarks.gpu.limited_process import run_limited as _run  # noqa: E402
from benchmarks.gpu.products import products  # noqa: E402
from benchmarks.gpu.training import parity  # noqa: E402
from minunet.kernels.cuda.gpu_launcher import SM_90A  # noqa: E402


@contextlib.contextmanager
def allow_sm_90a(allowed: bool) -> Iterator[None]:
    """Within the block, allow the launch code to use these kernels, or forbid it."""
    before = os.environ.get(SM_90A)
    os.environ[SM_90A] = "1" if allowed else "0"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SM_90A]
        else:
            os.environ[SM_90A] = before


def check(device: Any, say: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """Errors and losses, and under "failed" what is wrong. `say` is called with the name of each check before it runs."""
    parts = {
        "primitives": lambda: hopper_conformance(device, say),
        "products": lambda: products(device, say=say),
        "training": lambda: parity(device, shape=(2, 64, 64, 1), base_channels=64),
    }
    results: dict[str, dict[str, Any]] = {}
    with allow_sm_90a(True):
        for name, part in parts.items():
            say(name)
            try:
                results[name] = part()
            except Exception as error:  # of any type that a driver raises; the results before it still count
                results[name] = {"failed": [f"{type(error).__name__}: {error}"]}
    failed = [f"{name}: {problem}" for name, part in results.items() for problem in part.get("failed", ())]
    largest = {**results["primitives"].get("largest_error", {}), **results["products"].get("largest_error", {})}
    return {"largest_error": largest, "losses": results["training"].get("losses"), "failed": failed}


def check_in_a_process(architecture: str, seconds: float = 120) -> dict[str, Any]:
    """Run `check` in a process of its own, which is ended after some time. On other GPUs, "skipped" gives the reason."""
    if architecture != "sm_90":
        return {"skipped": f"these kernels run only on sm_90, this GPU is {architecture}"}
    command = [sys.executable, "-m", "benchmarks.gpu.sm_90a"]
    return answer_of(*_run(command, seconds), seconds)


if __name__ == "__main__":
    print(json.dumps(check(Gpu(), functools.partial(print, file=sys.stderr, flush=True))))
