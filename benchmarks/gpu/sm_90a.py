"""The kernels of sm_90a on a GPU that has it: what its primitives do, every pass against float64, a training beside NumPy's.

`in_a_process` runs this where it can be given up: a barrier that waits for too many bytes hangs the GPU, and the process with it.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.gpu.bare import prepare

prepare()

from benchmarks.gpu.device import Gpu  # noqa: E402
from benchmarks.gpu.hopper import hopper_conformance  # noqa: E402
from benchmarks.gpu.products import products  # noqa: E402
from benchmarks.gpu.training import parity  # noqa: E402
from minunet.kernels.cuda.gpu_launcher import SM_90A  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


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


def check(device: Any, say: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """Errors and losses, and under "failed" what is wrong; `say` is told what runs next, so that what hangs is known."""
    parts = {
        "primitives": lambda: hopper_conformance(device, say),
        "products": lambda: products(device, say=say),
        "training": lambda: parity(device, shape=(2, 64, 64, 1), base_channels=64),
    }
    found: dict[str, dict[str, Any]] = {}
    with taken(True):
        for name, part in parts.items():
            say(name)
            try:
                found[name] = part()
            except Exception as error:  # whatever a driver raises; what was found before it still counts
                found[name] = {"failed": [f"{type(error).__name__}: {error}"]}
    failed = [f"{name}: {problem}" for name, part in found.items() for problem in part.get("failed", ())]
    largest = {**found["primitives"].get("largest_error", {}), **found["products"].get("largest_error", {})}
    return {"largest_error": largest, "losses": found["training"].get("losses"), "failed": failed}


def in_a_process(architecture: str, seconds: float = 120) -> dict[str, Any]:
    """`check` in a process of its own, ended after some time; "skipped" says why on other GPUs."""
    if architecture != "sm_90":
        return {"skipped": f"these kernels are for sm_90 alone, this GPU is {architecture}"}
    status, out, said = _run([sys.executable, "-m", "benchmarks.gpu.sm_90a"], seconds)
    if status is None:
        last = said.strip().splitlines()[-1:]
        return {"failed": [f"no answer within {seconds:.0f} s, so a kernel may hang; it said last: {''.join(last)!r}"]}
    try:
        return json.loads(out.splitlines()[-1])
    except (IndexError, ValueError):
        return {"failed": [f"exit status {status}: {said[-2000:]}"]}


def _run(command: list[str], seconds: float) -> tuple[int | None, str, str]:
    """Exit status, None where the time was up; and what came out. A process that a driver does not let go is left behind."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=said)
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
        out.seek(0), said.seek(0)
        return status, out.read(), said.read()


if __name__ == "__main__":
    print(json.dumps(check(Gpu(), functools.partial(print, file=sys.stderr, flush=True))))
