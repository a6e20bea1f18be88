"""Time every primitive on the shapes of a U-Net's training step: each candidate, the reference, PyTorch, and the share of peak.

The peak is that of a 1024x1024x1024 float32 matrix product on all cores, measured in the same rounds as the call, because the speed
of a machine drifts. A share above 100 % is possible with Winograd's algorithm, which needs fewer multiplications than the direct
algorithm that is counted.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.cpu.unet_calls import UNetCall, random_arguments, step_calls
from benchmarks.machine import SGEMM_GFLOP, installed, sgemm
from benchmarks.results import add_out, save
from benchmarks.timing import alternate


def main(argv: list[str] | None = None) -> int:
    """Print and save the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--base", type=int, default=64, help="base channels of the U-Net (default 64)")
    parser.add_argument("--batch", type=int, default=2, help="images a batch (default 2)")
    parser.add_argument("--size", type=int, default=256, help="side of the images in pixels (default 256)")
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds (default 5)")
    parser.add_argument("--only", metavar="NAME", help="primitives whose name contains this")
    parser.add_argument("--no-reference", action="store_true", help="do not time the plain reference, which is slow")
    add_out(parser)
    args = parser.parse_args(argv)

    calls = [c for c in step_calls(args.base, args.batch, args.size) if not args.only or args.only in c.primitive.name]
    if not calls:
        print(f"error: no primitive of the U-Net's step has {args.only!r} in its name", file=sys.stderr)
        return 2
    print(f"classic U-Net, base {args.base}, batch {args.batch}, {args.size}x{args.size}")
    rng = np.random.default_rng(0)
    figures = []
    for call in tqdm(calls, unit="call", leave=False):
        figure = _measure(call, rng, args.rounds, not args.no_reference)
        figures.append(figure)
        tqdm.write(_text(figure))
    name = f"primitives_base{args.base}"
    command = f"python -m benchmarks --base {args.base} --batch {args.batch} --size {args.size}"
    print(f"wrote {save(name, command, {'calls': figures}, args.out)}")
    return 0


def _measure(call: UNetCall, rng: np.random.Generator, rounds: int, reference: bool) -> dict[str, Any]:
    args = random_arguments(call, rng)
    chosen = call.primitive.choose(*args).name
    contestants = {
        candidate.name: (lambda candidate=candidate: candidate.run(*args))
        for candidate in call.primitive.candidates(*args)
        if reference or candidate.name != "reference" or chosen == "reference"
    }
    peers = []
    if installed("torch"):
        from benchmarks.peers.torch_primitives import LAYOUTS, equivalent

        for layout in LAYOUTS:
            run = equivalent(call.primitive.name, args, layout)
            if run is not None:
                peers.append(f"torch {layout}")
                contestants[peers[-1]] = run
    timings = alternate({**contestants, "sgemm": sgemm()}, rounds)
    times = timings.to_dict()
    return {
        "primitive": call.primitive.name,
        "shapes": call.label,
        "times_a_step": call.times,
        "gflop": call.flops / 1e9,
        "megabytes": call.bytes / 1e6,
        "chosen": chosen,
        "peak_gflops": SGEMM_GFLOP / times.pop("sgemm")["median_ms"] * 1e3,
        "times": times,
        "ratio": timings.ratio(peers, chosen) if peers else None,
    }


def _text(figure: dict[str, Any]) -> str:
    peak = figure["peak_gflops"]
    lines = [f"\n{figure['primitive']}  {figure['shapes']}  ({figure['times_a_step']} a step, peak {peak:.0f} GFLOP/s)"]
    for name, time in figure["times"].items():
        line = f"  {'*' if name == figure['chosen'] else ' '} {name:22} {time['median_ms']:9.2f} ms"
        if figure["gflop"]:
            rate = figure["gflop"] / time["median_ms"] * 1e3
            line += f"  {rate:7.0f} GFLOP/s  {rate / peak:5.0%} of peak"
        else:
            line += f"  {figure['megabytes'] / time['median_ms']:7.1f} GB/s in"
        lines.append(line)
    if figure["ratio"]:
        median, low, high = figure["ratio"]
        lines.append(f"    best of torch / chosen: {median:.2f} ({low:.2f} to {high:.2f})")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
