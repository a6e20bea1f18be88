"""Peak memory of one contestant, measured in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# "before" is measured when the data and the weights are ready and the libraries are loaded.
_SCRIPT = """
import json, sys
def peak():
    # Not getrusage, whose maximum begins with that of the parent process.
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
from benchmarks.cpu.contestants import contestant
run = contestant(**json.loads(sys.argv[1]))
before = peak()
for _ in range(3):
    run()
print(json.dumps({"before": before, "peak": peak()}))
"""


def peak_of(**contestant: object) -> dict[str, int]:
    """Bytes of resident memory of `contestant(**contestant)` (benchmarks.cpu): "before" its first run, and at the "peak"."""
    process = subprocess.run(
        [sys.executable, "-c", _SCRIPT, json.dumps(contestant)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return json.loads(process.stdout.splitlines()[-1])
