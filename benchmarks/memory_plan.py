"""The memory that a training announces, compared with what its process really takes: `python -m benchmarks.memory_plan`.

Each setting is trained for one epoch on a few drawn smears, in a process of its own; some have a limit. A training on a GPU is
not measured.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.results import add_out, save

IMAGES = 10
# Linux counts in `ru_maxrss` what the process that started this one held; the peak of the process itself is VmHWM.
COMMAND = """
import re, sys
from minunet.runs import training_run
announce = training_run.announce_memory
def announced(say, plan, peak, limit, *ranks):
    print("planned", peak)
    announce(say, plan, peak, limit, *ranks)
training_run.announce_memory = announced
from minunet.train import main
code = main(sys.argv[1:])
print("measured", 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]))
sys.exit(code)
"""
SETTINGS = (
    "--size 128x128 --batch-size 4 --base-channels 8",
    "--size 128x128 --batch-size 4 --base-channels 32",
    "--size 128x128 --batch-size 4 --base-channels 32 --recompute",
    "--size 256x256 --batch-size 8",
    "--size 256x256 --batch-size 8 --recompute",
    "--size 256x256 --batch-size 4 --variant classic",
    "--size 256x192 --batch-size 2 --channels rgb",
    "--crop 96 --batch-size 8 --depth 3",
    "--size 512x512 --batch-size 2 --recompute",
    "--size 128x128 --batch-size 2 --base-channels 64",
)
LIMITED = (
    "--size 256x256 --max-memory 600MB",
    "--size 256x256 --max-memory 500MB",
    "--size 128x128 --base-channels 64 --max-memory 1.6GB",
    "--size 512x512 --max-memory 512MiB",
)


def measure(settings: str, data: Path, out: Path) -> dict[str, Any]:
    """Train once; bytes announced and bytes measured."""
    arguments = [str(data), "--out", str(out), "--epochs", "1", "--split", "0.6,0.2,0.2", *settings.split()]
    command = [sys.executable, "-c", COMMAND, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(f"{settings}: {result.stderr}")
    planned, measured = (float(re.search(rf"{word} (\S+)", result.stdout)[1]) for word in ("planned", "measured"))
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))
    chosen = {name: config[name] for name in ("batch_size", "recompute")}
    return {"settings": settings, **chosen, "planned": planned, "measured": measured}


def main() -> int:
    """Measure all settings, print a row of a table for each, and write the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory_plan", description=__doc__)
    add_out(parser)
    parser.add_argument("--limited", action="store_true", help="only the settings with --max-memory")
    arguments = parser.parse_args()
    out = arguments.out
    rows = []
    print(
        "| `python -m minunet.train` | batches | announced | measured | announced / measured |\n|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "smears"
        command = [sys.executable, "-m", "minunet.synthesize", str(data), "--count", str(IMAGES)]
        subprocess.run(command, check=True, capture_output=True)
        for number, settings in enumerate(LIMITED if arguments.limited else (*SETTINGS, *LIMITED)):
            row = measure(settings, data, Path(folder) / str(number))
            rows.append(row)
            planned, measured = row["planned"], row["measured"]
            chosen = f"{row['batch_size']}{', --recompute' * row['recompute']}"
            print(
                f"| `{settings}` | {chosen} | {planned / 1e6:.0f} MB | {measured / 1e6:.0f} MB | {planned / measured:.2f} |",
                flush=True,
            )
    print(save("memory_plan", "python -m benchmarks.memory_plan", rows, out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
