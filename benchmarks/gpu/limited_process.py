"""A process with a time limit: a kernel that hangs ends its own process, and not the session around it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def run_limited(command: list[str], seconds: float) -> tuple[int | None, str, str]:
    """Exit status (None if the time was up), stdout and stderr. A process that the driver does not release is abandoned."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=err)
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
        out.seek(0), err.seek(0)
        return status, out.read(), err.read()


def answer_of(status: int | None, out: str, err: str, seconds: float) -> dict[str, Any]:
    """The JSON object in the last line that a process printed; else "failed" says how it ended."""
    if status is None:
        last = "".join(err.strip().splitlines()[-1:])
        return {"failed": [f"no answer within {seconds:.0f} s, so a kernel may hang; its last line was {last!r}"]}
    try:
        return json.loads(out.splitlines()[-1])
    except (IndexError, ValueError):
        return {"failed": [f"exit status {status}: {err[-2000:]}"]}
