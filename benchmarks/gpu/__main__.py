"""`python -m benchmarks.gpu`: checks and times everything that runs on a GPU, in under ten minutes.

First the hardware's instructions, the values of every kernel, and a training compared with NumPy; then speed and memory compared
with PyTorch. The figures are saved after each part. A part that fails is reported, and the others still run.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.gpu.bare_checkout import prepare

MISSING = prepare()

from benchmarks.gpu.device import Gpu  # noqa: E402
from benchmarks.gpu.layers import layers  # noqa: E402
from benchmarks.gpu.products import products  # noqa: E402
from benchmarks.gpu.sm_90a import allow_sm_90a, check_in_a_process  # noqa: E402
from benchmarks.gpu.steps import CONFIG, SHAPES, TORCH_MODES, steps  # noqa: E402
from benchmarks.gpu.tensorrt_inference import tensorrt_inference  # noqa: E402
from benchmarks.gpu.training import parity  # noqa: E402
from benchmarks.gpu.values import conformance, kernels  # noqa: E402
from benchmarks.gpu.whole_runs import WHOLE_RUNS, whole_runs  # noqa: E402
from benchmarks.results import add_out, save  # noqa: E402
from minunet import UNet  # noqa: E402
from minunet.kernels.backend import why_no_gpu  # noqa: E402

Part = tuple[str, Callable[[], dict[str, Any]]]


def main(argv: list[str] | None = None) -> int:
    """Run the parts, print the table, write the JSON; 1 where a part failed, 2 where there is no GPU."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    add_out(parser)
    parser.add_argument(
        "--only", metavar="NAME", help="only the parts whose name contains this: step, layers, sm_90a, ..."
    )
    parser.add_argument("--part", metavar="NAME", help="only the part of exactly this name; prints its figures as JSON")
    parser.add_argument(
        "--sm-90a-checked",
        action="store_true",
        help="include the parts with kernels of sm_90a, which were found correct",
    )
    parser.add_argument("--minutes", type=float, default=10, help="start no part after 80 %% of this time (default 10)")
    args = parser.parse_args(argv)
    problem = why_no_gpu()
    if problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    device = Gpu()
    if args.part is not None:
        return one_part(device, args.part, args.sm_90a_checked)
    figures: dict[str, Any] = {**device.about, "stood_in_for": MISSING}
    for label, result in run_parts(parts(device, args.sm_90a_checked), args.only, 0.8 * 60 * args.minutes):
        figures[label] = result
        path = save(device.figures_name, "python -m benchmarks.gpu", figures, args.out)
    if len(figures) == 3:
        print(f"error: no part has {args.only!r} in its name", file=sys.stderr)
        return 2
    print("\n" + table(figures))
    print(f"wrote {path}")
    return 1 if any(isinstance(part, dict) and part.get("failed") for part in figures.values()) else 0


def one_part(device: Any, name: str, sm_90a_checked: bool) -> int:
    """Run one part and print its figures in one line, for `tools/gpu_session.py`, which gives each part a process."""
    part = dict(parts(device, sm_90a_checked)).get(name)
    if part is None:
        print(f"error: there is no part {name!r}", file=sys.stderr)
        return 2
    ((_, result),) = run_parts(iter([(name, part)]), None, float("inf"))
    print(json.dumps(result))
    return 0


def parts(device: Any, sm_90a_checked: bool = False) -> Iterator[Part]:
    """Correctness first; PyTorch's compiler, which takes longest, last."""
    plain, compiled = TORCH_MODES[:-1], TORCH_MODES[-1:]
    kinds = [False]  # without the kernels of sm_90a; True is added once they are found correct
    if sm_90a_checked:
        kinds.append(True)

    def without_sm_90a(part: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        with allow_sm_90a(False):  # even if the environment allows them: a kernel that hangs here would end all
            return part(device)

    yield "conformance", lambda: without_sm_90a(conformance)
    yield "kernels", lambda: without_sm_90a(kernels)
    yield "products", lambda: without_sm_90a(products)

    def sm_90a() -> dict[str, Any]:
        result = check_in_a_process(device.launcher.architecture())
        if not result.get("failed") and not result.get("skipped") and not sm_90a_checked:
            kinds.append(True)
        return result

    yield "sm_90a", sm_90a
    yield "training parity", lambda: without_sm_90a(parity)
    # The kernels of sm_90a, which had never run on a GPU, come last: if they hang, only their own figures are lost.
    for kind in kinds:
        name = " sm_90a" if kind else ""
        for shape in SHAPES:
            yield f"step{name} {shape}", lambda shape=shape, kind=kind: steps(shape, modes=plain, sm_90a=(kind,))
        yield f"layers{name}", lambda kind=kind: every_layer(device, (kind,))
    yield WHOLE_RUNS, whole_runs
    yield "tensorrt", lambda: tensorrt_inference(SHAPES[0], CONFIG)
    for shape in SHAPES:
        yield f"step compiled {shape}", lambda shape=shape: steps(shape, modes=compiled, sm_90a=tuple(kinds))


def every_layer(device: Any, sm_90a: tuple[bool, ...]) -> dict[str, Any]:
    """Each layer of the smaller shape, timed by itself."""
    return layers(device, UNet(**CONFIG), *SHAPES[0][:2], with_torch=has_torch(), sm_90a=sm_90a)


def has_torch() -> bool:
    """Whether PyTorch is installed and has the GPU."""
    try:
        import torch

        return torch.cuda.is_available()
    except Exception:  # a broken installation raises anything
        return False


def run_parts(all_parts: Iterator[Part], only: str | None, seconds: float) -> Iterator[tuple[str, dict[str, Any]]]:
    """Run each part whose name contains `only`, while there is time. An error in a part is its result."""
    began = time.perf_counter()
    for label, part in all_parts:
        if only and only not in label:
            continue
        if time.perf_counter() - began > seconds:
            yield label, {"failed": ["not run, because the time was up"]}
            continue
        print(f"{label} ...", flush=True)
        started = time.perf_counter()
        try:
            result = part()
        except Exception as error:  # whatever a driver or a library raises
            result = {"failed": [f"{type(error).__name__}: {error}"], "traceback": traceback.format_exc()}
        result["seconds"] = round(time.perf_counter() - started, 1)
        for problem in result.get("failed", ()):
            print(f"  FAILED {problem}")
        yield label, result


def table(figures: dict[str, Any]) -> str:
    """The figures as text."""
    lines = [f"{figures['gpu']}, {figures['multiprocessors']} multiprocessors"]
    for label, part in figures.items():
        if not isinstance(part, dict):
            continue
        lines.append(f"\n{label}: {'FAILED' if part.get('failed') else 'passed'} in {part.get('seconds', 0)} s")
        lines += [_layer(row) for row in part.get("rows", ())]
        for name, value in part.items():
            if isinstance(value, dict) and "ms" in value:
                lines.append(_figures(name, value))
            elif name in ("skipped", "largest_error", "losses", "floor_ms_bf16"):
                lines.append(f"  {name}: {json.dumps(value)}")
    return "\n".join(lines)


def _layer(row: dict[str, Any]) -> str:
    line = f"  {row['layer']:<34} {row['precision']} {row['kernels']:<6} {row['pass']:<15}"
    line += f" {row['ms']:8.3f} ms {row['tflops']:6.0f} TFLOP/s"
    return line + (f"  torch {row['torch_ms']:8.3f} ms  {row['of_torch']:5.2f} of it" if "torch_ms" in row else "")


def _figures(name: str, value: dict[str, float]) -> str:
    if " of " in name:  # a ratio
        return f"  {name:<52} {value['ms']:9.2f}    {value['bytes']:.2f} of its memory"
    memory = f" {value['bytes'] / 2**30:.2f} GiB" if "bytes" in value else ""
    return f"  {name:<52} {value['ms']:9.2f} ms{memory}"


if __name__ == "__main__":
    sys.exit(main())
