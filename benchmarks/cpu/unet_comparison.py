"""Compares a U-Net's training step or inference with other frameworks: alternating runs, medians, ratios, peak memory."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from typing import Any

from tqdm import tqdm

from benchmarks.cpu.contestants import ONNX, OPENVINO, OURS, contestant
from benchmarks.cpu.shared_step import INSTALL_MPI, SharedStep
from benchmarks.machine import CHECKOUT, installed
from benchmarks.memory import peak_of
from benchmarks.results import add_out, save
from benchmarks.timing import WARM_UP, alternate
from minunet.cli.argument_types import positive_int
from minunet.ranks import launcher

CASES = ((64, 2), (16, 8))  # (base channels, batch)
EAGER = ("NCHW", "channels_last")
FLOAT32 = (*EAGER, "compiled", ONNX, "OpenVINO f32")
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
    parser.add_argument(
        "--no-compiled", action="store_true", help="do not measure torch.compile, which takes a minute to compile"
    )
    parser.add_argument("--no-memory", action="store_true", help="do not measure peak memory")
    if task == "step":
        parser.add_argument(
            "--processes",
            type=positive_int,
            default=1,
            metavar="N",
            help="also a step that N processes share under mpiexec",
        )
    add_out(parser)
    args = parser.parse_args(argv)
    if installed("torch") is None:
        print("error: PyTorch is not installed; it comes with: pip install 'minunet[bench]'", file=sys.stderr)
        return 2
    processes = getattr(args, "processes", 1)
    if processes > 1 and (launcher() is None or installed("mpi4py") is None):
        print(f"error: --processes {processes} needs mpiexec and mpi4py: {INSTALL_MPI}", file=sys.stderr)
        return 2

    names = [OURS, *EAGER]
    if not args.no_compiled:
        names.append("compiled")
    if not args.no_bf16:
        names.append("bf16")
    if task == "inference":
        names += [ONNX] if installed("onnxruntime") else []
        names += OPENVINO if installed("openvino") else []
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
    if processes > 1:
        command = f"{command} --processes {processes}"
    path = save(name, command, figures, args.out)
    print(f"\nwrote {path}")
    return 0


def _case(task: str, names: list[str], base: int, batch: int, args: argparse.Namespace) -> dict[str, Any]:
    settings = {"task": task, "base": base, "batch": batch, "size": args.size, "variant": args.variant}
    contestants, failed = _prepared(names, settings)
    peers = [name for name in contestants if name != OURS]
    processes, shared = getattr(args, "processes", 1), None
    with (
        ExitStack() as stack,
        tqdm(total=args.rounds + WARM_UP, desc=f"base {base}, batch {batch}", unit="round", leave=False) as bar,
    ):
        if processes > 1:
            case = {key: value for key, value in settings.items() if key != "task"}
            shared = f"{processes} processes"
            contestants[shared] = SharedStep(processes, CHECKOUT, **case)
            stack.callback(contestants[shared].close)
        timings = alternate(contestants, args.rounds, bar.update)
    best = [name for name in peers if name in FLOAT32]
    ratio = {"best_float32": list(timings.ratio(best, OURS))}
    ratio |= {name: list(timings.ratio([name], OURS)) for name in peers}
    figure = {**settings, "times": timings.to_dict(), "ratio": ratio, "failed": failed}
    if shared is not None:
        figure["shared"] = {"name": shared, "best_float32": list(timings.ratio(best, shared))}
    if OPENVINO[1] in contestants:
        figure["openvino_default_precision"] = contestants[OPENVINO[1]].precision
    if not args.no_memory:
        figure["memory"] = {name: peak_of(name=name, **settings) for name in (OURS, *peers)}
    return figure


def _prepared(names: list[str], settings: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The contestants, each run once; and for those that cannot run here, such as torch.compile without g++, the reason."""
    contestants, failed = {}, {}
    for name in names:
        try:
            run = contestant(name, **settings)
            run()
        except Exception as error:
            if name == OURS:
                raise
            failed[name] = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"
        else:
            contestants[name] = run
    return contestants, failed


def _print(figure: dict[str, Any]) -> None:
    print(f"\n{figure['task']}, base {figure['base']}, batch {figure['batch']}")
    for name, time in figure["times"].items():
        line = f"  {name:16} {time['median_ms']:8.0f} ms   ({time['min_ms']:.0f} to {time['max_ms']:.0f})"
        if name in figure.get("memory", {}):
            line += f"   {figure['memory'][name]['peak'] / 1e6:7.0f} MB peak"
        print(line)
    for name, reason in figure["failed"].items():
        print(f"  {name:16} failed: {reason}")
    for peer, (median, low, high) in figure["ratio"].items():
        print(f"  {peer.replace('_', ' ')} / minunet: {median:.2f} ({low:.2f} to {high:.2f})")
    if "shared" in figure:
        median, low, high = figure["shared"]["best_float32"]
        print(f"  best float32 / {figure['shared']['name']}: {median:.2f} ({low:.2f} to {high:.2f})")
