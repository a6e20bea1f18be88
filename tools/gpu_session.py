"""Everything that a GPU is needed for, in one command, for a GPU that is at hand only for minutes.

Without a GPU, it compiles every CUDA kernel into the folder .cubins, which git ignores, and which is carried to the GPU machine:

    python tools/gpu_session.py

On the GPU machine the same command measures, the most valuable part first. Each part runs in a process of its own with a time
limit, and every figure is in benchmarks/results/gpu_<name of the GPU>.json as soon as it is known. Then, anywhere:

    python tools/gpu_tables.py --write docs/gpu.md
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # neither benchmarks nor tools are installed

from benchmarks.gpu.bare_checkout import prepare  # noqa: E402

MISSING = prepare()

from tqdm import tqdm  # noqa: E402

from benchmarks.gpu.device import Gpu  # noqa: E402
from benchmarks.gpu.limited_process import answer_of, run_limited  # noqa: E402
from benchmarks.gpu.steps import SHAPES  # noqa: E402
from benchmarks.gpu.whole_runs import WHOLE_RUNS  # noqa: E402
from benchmarks.results import FOLDER, save  # noqa: E402
from minunet.kernels.backend import why_no_gpu  # noqa: E402
from minunet.kernels.cuda import registration  # noqa: E402, F401  declares every program
from minunet.kernels.cuda.compile import CompileError, compile_program, nvrtc  # noqa: E402
from minunet.kernels.cuda.program import Program, programs  # noqa: E402
from minunet.resources import usable_cpus  # noqa: E402

CUBINS = ROOT / ".cubins"
CACHE_VARIABLE = "MINUNET_CUDA_CACHE"
ARCHITECTURES = ("sm_80", "sm_90")
SM_90A = "sm_90a"


@dataclass(frozen=True)
class SessionPart:
    """A part of `benchmarks.gpu`, and the seconds after which its process is ended."""

    name: str
    seconds: float

    @property
    def needs_sm_90a(self) -> bool:
        """Whether it uses kernels that must have been found correct before."""
        return SM_90A in self.name.split() and self.name != SM_90A


SMALL, LARGE = SHAPES
# The most valuable first: whether the fastest kernels are right, the times beside PyTorch, whether everything is right, the rest.
PARTS = (
    SessionPart(SM_90A, 120),
    SessionPart(f"step {SMALL}", 90),
    SessionPart(f"step sm_90a {SMALL}", 90),
    SessionPart(f"step compiled {SMALL}", 150),
    SessionPart("conformance", 30),
    SessionPart("kernels", 60),
    SessionPart("products", 60),
    SessionPart("training parity", 60),
    SessionPart(WHOLE_RUNS, 120),
    SessionPart("layers sm_90a", 60),
    SessionPart(f"step {LARGE}", 60),
    SessionPart(f"step sm_90a {LARGE}", 60),
    SessionPart("layers", 60),
    SessionPart("tensorrt", 90),
    SessionPart(f"step compiled {LARGE}", 150),
)


def main(argv: list[str] | None = None) -> int:
    """Compile, or measure where there is a GPU; 1 where a part failed, 2 where nothing can be done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cubins", type=Path, default=CUBINS, metavar="DIR", help="folder to carry (default .cubins)")
    parser.add_argument("--compile", action="store_true", help="compile, also where there is a GPU")
    parser.add_argument(
        "--architecture",
        action="append",
        choices=ARCHITECTURES,
        help="compile for this one only (default both); sm_90 includes sm_90a",
    )
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="DIR", help="folder of the figures")
    parser.add_argument("--minutes", type=float, default=9, help="begin no part that could end later (default 9)")
    args = parser.parse_args(argv)
    problem = why_no_gpu()
    if args.compile or problem:
        print(f"no GPU here, so the kernels are compiled: {problem}" if problem else "compiling")
        return compile_all(args.cubins, tuple(args.architecture or ARCHITECTURES))
    os.environ[CACHE_VARIABLE] = str(args.cubins.absolute())
    return measure(Gpu(), args.out, 60 * args.minutes, PARTS, run_part)


def targets(program: Program, architectures: tuple[str, ...]) -> Iterator[str]:
    """What a program is compiled for, of these architectures."""
    for architecture in architectures:
        number = int(architecture[3:])
        if number == program.architecture if program.architecture_specific else number >= program.architecture:
            yield program.target(architecture)


def compile_all(folder: Path, architectures: tuple[str, ...]) -> int:
    """Compile each instance by itself, as a GPU's launcher asks for it; those that are there already are kept."""
    work = [
        (program, target, instance)
        for program in programs()
        for target in targets(program, architectures)
        for instance in program.instances
    ]
    began = time.perf_counter()
    try:
        version = ".".join(map(str, nvrtc().getVersion()))  # loaded here: two threads must not load it at the same time
    except CompileError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    with ThreadPoolExecutor(usable_cpus()) as pool:  # NVRTC releases the interpreter lock
        jobs = [pool.submit(compile_program, program, target, folder, (name,)) for program, target, name in work]
        try:
            for job in tqdm(as_completed(jobs), total=len(jobs), desc="kernels", unit="kernel"):
                job.result()
        except CompileError as error:
            pool.shutdown(cancel_futures=True)
            print(f"error: {error}", file=sys.stderr)
            return 2
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    print(f"{len(work)} kernels by NVRTC {version}, {size:.0f} MB, in {time.perf_counter() - began:.0f} s: {folder}")
    print("carry this folder to the GPU machine, into the same checkout, and run there: python tools/gpu_session.py")
    return 0


def run_part(part: SessionPart, sm_90a_checked: bool) -> dict[str, Any]:
    """The figures of one part, measured in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.gpu", "--part", part.name]
    if sm_90a_checked:
        command.append("--sm-90a-checked")
    return answer_of(*run_limited(command, part.seconds), part.seconds)


def measure(
    device: Gpu,
    folder: Path,
    seconds: float,
    parts: tuple[SessionPart, ...],
    run: Callable[[SessionPart, bool], dict[str, Any]],
) -> int:
    """Run the parts in turn while there is time, and save what is known after each; 1 where one failed."""
    began = time.perf_counter()
    figures: dict[str, Any] = {**device.about, "stood_in_for": MISSING}
    checked, failed = False, 0
    for part in parts:
        left = seconds - (time.perf_counter() - began)
        if part.needs_sm_90a and not checked:
            result: dict[str, Any] = {"skipped": "the kernels of sm_90a were not found correct"}
        elif part.seconds > left:
            result = {"failed": [f"not run: {left:.0f} s were left, and it may take {part.seconds:.0f} s"]}
        else:
            print(f"{part.name} ...", flush=True)
            result = run(part, checked)
        if part.name == SM_90A:
            checked = not result.get("failed") and not result.get("skipped")
        for problem in result.get("failed", ()):
            print(f"  FAILED {problem}")
        failed += bool(result.get("failed"))
        figures[part.name] = result
        path = save(device.figures_name, "python tools/gpu_session.py", figures, folder)
    print(
        f"{len(parts) - failed} of {len(parts)} parts ran without a failure in {time.perf_counter() - began:.0f} s: {path}"
    )
    print("next: python tools/gpu_tables.py --write docs/gpu.md")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
