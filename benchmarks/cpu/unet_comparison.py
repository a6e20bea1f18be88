"""Compares a U-Net's training step or inference with other frameworks: alternating runs, medians, ratios, peak memory."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from tqdm import tqdm

from benchmarks.cpu.contestants import ONNX, OURS, contestant
from benchmarks.machine import installed
from benchmarks.memory import peak_of
from benchmarks.results import add_out, save
from benchmarks.timing import WARM_UP, alternate

CASES = ((64, 2), (16, 8))  # (base channels, batch)
FLOAT32 = ("NCHW", "channels_last")
SIZE = 256


def main(task: str, argv: list[str] | None = None) -> int:
    """Measure `task` ("step" or "inference") and print and save the table."""
    command = f"python -m benchmarks.unet_{task}"
    parser = argparse.ArgumentParser(prog=command, description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="counted rounds (default 7)")
    parser.add_argument("--size", type=int, default=SIZE, metavar="PIXELS", help=f"side of the images (default {SIZE})")
    parser.add_argument("--variant", choices=("classic", "paper"), default="classic")
    parser.add_argument(
        "--base",
        type=int,
        choices=[base for base, _ in CASES],
        help="only the network with this number of base channels",
    )
    parser.add_argument(
        "--no-bf16", action="store_true", help="do not measure bf16, which takes minutes without AVX-512"
    )
    parser.add_argument("--no-memory", action="store_true", help="do not measure peak memory")
    add_out(parser)
    args = parser.parse_args(argv)
    if installed("torch") is None:
        print("error: PyTorch is not installed; it comes with: pip install 'minunet[bench]'", file=sys.stderr)
        return 2

    names = [OURS, *FLOAT32] if args.no_bf16 else [OURS, *FLOAT32, "bf16"]
    if task == "inference" and installed("onnxruntime"):
        names.append(ONNX)
    figures = [_case(task, names, base, batch, args) for base, batch in CASES if args.base in (None, base)]
    print(f"\nclassic U-Net, {args.size}x{args.size}, float32" if args.variant == "classic" else "\npaper U-Net")
    for figure in figures:
        _print(figure)
    name = f"unet_{task}"
    if args.base is not None:
        name, command = f"{name}_base{args.base}", f"{command} --base {args.base}"
    if args.variant != "classic":
        name, command = f"{name}_{args.variant}", f"{command} --variant {args.variant}"
    if args.size != SIZE:
        name, command = f"{name}_size{args.size}", f"{command} --size {args.size}"
    path = save(name, command, figures, args.out)
    print(f"\nwrote {path}")
    return 0


def _case(task: str, names: list[str], base: int, batch: int, args: argparse.Namespace) -> dict[str, Any]:
    settings = {"task": task, "base": base, "batch": batch, "size": args.size, "variant": args.variant}
    with tqdm(total=args.rounds + WARM_UP, desc=f"base {base}, batch {batch}", unit="round", leave=False) as bar:
        timings = alternate({name: contestant(name, **settings) for name in names}, args.rounds, bar.update)
    peers = [name for name in names if name in (*FLOAT32, ONNX)]
    ratio, low, high = timings.ratio(peers, OURS)
    figure = {**settings, "times": timings.to_dict(), "ratio": {"best_float32": [ratio, low, high]}}
    if "bf16" in names:
        figure["ratio"]["bf16"] = list(timings.ratio(["bf16"], OURS))
    if not args.no_memory:
        figure["memory"] = {name: peak_of(name=name, **settings) for name in names}
    return figure


def _print(figure: dict[str, Any]) -> None:
    print(f"\n{figure['task']}, base {figure['base']}, batch {figure['batch']}")
    for name, time in figure["times"].items():
        line = f"  {name:14} {time['median_ms']:8.0f} ms   ({time['min_ms']:.0f} to {time['max_ms']:.0f})"
        if "memory" in figure:
            line += f"   {figure['memory'][name]['peak'] / 1e6:7.0f} MB peak"
        print(line)
    for peer, (median, low, high) in figure["ratio"].items():
        print(f"  {peer.replace('_', ' ')} / minunet: {median:.2f} ({low:.2f} to {high:.2f})")
