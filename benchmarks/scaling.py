"""`python -m benchmarks.scaling`: how time and memory of a training step grow with pixels, batch, channels and threads.

Time should grow linearly with pixels and batch; the table shows the time per pixel, which should stay the same.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from tqdm import tqdm

import minunet
from benchmarks.cpu.contestants import OURS, contestant
from benchmarks.memory import peak_of
from benchmarks.results import add_out, save
from benchmarks.timing import alternate

START = {"base": 16, "batch": 2, "size": 128}
AXES = {
    "size": (64, 128, 256, 512),
    "batch": (1, 2, 4, 8, 16),
    "base": (8, 16, 32, 64),
}


def main(argv: list[str] | None = None) -> int:
    """Print and save the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds (default 5)")
    add_out(parser)
    args = parser.parse_args(argv)
    figures = {axis: _along(axis, args.rounds) for axis in AXES}
    figures["threads"] = _threads(args.rounds)
    for axis, rows in figures.items():
        print(f"\n{axis:>8}   ms a step   ns a pixel{'' if axis == 'threads' else '   MB of growth'}")
        for row in rows:
            memory = f"   {row['memory'] / 1e6:12.0f}" if "memory" in row else ""
            print(f"{row[axis]:>8}   {row['ms']:9.1f}   {row['ns_per_pixel']:10.0f}{memory}")
    print(f"\nwrote {save('scaling', 'python -m benchmarks.scaling', figures, args.out)}")
    return 0


def _along(axis: str, rounds: int) -> list[dict[str, Any]]:
    """One row per value of one setting, with the others fixed; every round runs all values."""
    cases = {value: {**START, axis: value} for value in AXES[axis]}
    runs = {str(value): contestant(OURS, task="step", **case) for value, case in cases.items()}
    with tqdm(desc=axis, unit="round", leave=False) as bar:
        timings = alternate(runs, rounds, bar.update)
    rows = []
    for value, case in cases.items():
        seconds, pixels = timings.median(str(value)), case["batch"] * case["size"] ** 2
        memory = peak_of(name=OURS, task="step", **case)
        rows.append(
            {
                axis: value,
                "ms": 1e3 * seconds,
                "ns_per_pixel": 1e9 * seconds / pixels,
                "memory": memory["peak"] - memory["before"],
            }
        )
    return rows


def _threads(rounds: int) -> list[dict[str, Any]]:
    """One row per number of threads up to the number of cores of this process."""
    cores = minunet.get_num_threads()
    step = contestant(OURS, task="step", **START)

    def with_threads(count: int):
        def run() -> None:
            minunet.set_num_threads(count)
            step()

        return run

    counts = sorted({1, 2, 4, cores} & set(range(1, cores + 1)))
    try:
        timings = alternate({str(count): with_threads(count) for count in counts}, rounds)
    finally:
        minunet.set_num_threads(cores)
    pixels = START["batch"] * START["size"] ** 2
    return [
        {"threads": c, "ms": 1e3 * timings.median(str(c)), "ns_per_pixel": 1e9 * timings.median(str(c)) / pixels}
        for c in counts
    ]


if __name__ == "__main__":
    sys.exit(main())
