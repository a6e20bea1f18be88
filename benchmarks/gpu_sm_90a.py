"""The kernels of sm_90a on a GPU that has it: what its primitives do, every pass against float64, a training beside NumPy's.

`in_a_process` runs this where it can be given up: a barrier that waits for too many bytes hangs the GPU, and the process with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.gpu_bare import prepare

prepare()

from benchmarks.gpu_device import Gpu  # noqa: E402
from benchmarks.gpu_hopper import hopper_conformance  # noqa: E402
from benchmarks.gpu_products import products  # noqa: E402
from benchmarks.gpu_training import parity  # noqa: E402
from minunet.kernels.cuda.gpu import SM_90A  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent


@contextlib.contextmanager
def taken(wanted: bool) -> Iterator[None]:
    """Within the block the launch code takes these kernels, or does not."""
    before = os.environ.get(SM_90A)
    os.environ[SM_90A] = "1" if wanted else "0"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SM_90A]
        else:
            os.environ[SM_90A] = before


def check(device: Any) -> dict[str, Any]:
    """Errors and losses, and under "failed" what is wrong."""
    with taken(True):
        found = {
            "primitives": hopper_conformance(device),
            "products": products(device),
            "training": parity(device, shape=(2, 64, 64, 1), base_channels=64),
        }
    failed = [f"{name}: {problem}" for name, part in found.items() for problem in part.get("failed", ())]
    largest = {**found["primitives"].get("largest_error", {}), **found["products"]["largest_error"]}
    return {"largest_error": largest, "losses": found["training"]["losses"], "failed": failed}


def in_a_process(architecture: str, seconds: float = 120) -> dict[str, Any]:
    """`check` in a process of its own, ended after some time; "skipped" says why on other GPUs."""
    if architecture != "sm_90":
        return {"skipped": f"these kernels are for sm_90 alone, this GPU is {architecture}"}
    command = [sys.executable, "-m", "benchmarks.gpu_sm_90a"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired as error:
        said = (error.stdout or b"").decode(errors="replace")[-500:]
        return {"failed": [f"no answer within {seconds:.0f} s, so a kernel may hang; it said: {said!r}"]}
    try:
        return json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        return {"failed": [f"exit status {done.returncode}: {done.stderr[-2000:]}"]}


if __name__ == "__main__":
    print(json.dumps(check(Gpu())))
