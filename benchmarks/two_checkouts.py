"""`python -m benchmarks.two_checkouts OTHER`: a step or inference of this checkout beside that of another one.

Each runs in a process of its own and both are kept, so that they can take turns: a drift of the machine's speed affects both alike.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.cpu.shared_step import SharedStep
from benchmarks.machine import CHECKOUT, commit
from benchmarks.processes import LineProcess
from benchmarks.results import add_out, save
from benchmarks.timing import alternate
from minunet.cli.argument_types import positive_int
from minunet.cli.command import command
from minunet.cli.parser import Parser
from minunet.errors import UserError

# Makes one run for each line that it gets, and answers it.
_CHILD = """
import json, sys
from benchmarks.cpu.contestants import OURS, contestant
run = contestant(OURS, **json.loads(sys.argv[1]))
for line in sys.stdin:
    run()
    print("done", flush=True)
"""


@command
def main(argv: list[str] | None = None) -> int:
    """Measure, print and save the figures."""
    parser = Parser(
        prog="python -m benchmarks.two_checkouts", description=__doc__, formatter_class=argparse.HelpFormatter
    )
    parser.add_argument(
        "other", type=Path, metavar="OTHER", help="folder of the other checkout, such as a git worktree"
    )
    parser.add_argument("--task", choices=("step", "inference"), default="step", help="default step")
    parser.add_argument("--base", type=positive_int, default=64, help="base channels of the U-Net (default 64)")
    parser.add_argument("--batch", type=positive_int, default=2, help="images a batch (default 2)")
    parser.add_argument(
        "--size", type=positive_int, default=256, metavar="PIXELS", help="side of the images (default 256)"
    )
    parser.add_argument(
        "--processes",
        type=positive_int,
        default=1,
        metavar="N",
        help="processes that share a step under mpiexec, of one thread each (default 1, with all threads)",
    )
    parser.add_argument("--rounds", type=positive_int, default=15, metavar="N", help="counted rounds (default 15)")
    add_out(parser)
    args = parser.parse_args(argv)
    if not (args.other / "minunet" / "__init__.py").is_file():
        raise UserError(f"{args.other} is no checkout of minunet: there is no minunet/__init__.py in it")
    if args.processes > 1 and args.task != "step":
        raise UserError("--processes: only a training step (--task step) can be shared")

    settings = {"task": args.task, "base": args.base, "batch": args.batch, "size": args.size}
    figures = {
        **settings,
        "other_commit": commit(args.other),
        **compare(args.other, settings, args.rounds, args.processes),
    }
    if args.processes > 1:
        figures["processes"] = args.processes
    for name, time in figures["times"].items():
        print(f"{name:6} {time['median_ms']:8.1f} ms   ({time['min_ms']:.1f} to {time['max_ms']:.1f})")
    median, low, high = figures["ratio"]
    lower, upper = figures["quartiles"]
    print(f"other / this: {median:.3f} ({low:.2f} to {high:.2f}, half of the rounds {lower:.2f} to {upper:.2f})")
    case = f"--task {args.task} --base {args.base} --batch {args.batch} --size {args.size}"
    name = f"two_checkouts_{args.task}_base{args.base}_size{args.size}"
    if args.processes > 1:
        case, name = f"{case} --processes {args.processes}", f"{name}_processes{args.processes}"
    print(f"wrote {save(name, f'{parser.prog} OTHER {case}', figures, args.out)}")
    return 0


def compare(other: Path, settings: dict[str, Any], rounds: int, processes: int = 1) -> dict[str, Any]:
    """The "times" of both, and the "ratio" of the other's to ours: median, lowest, highest; its "quartiles"."""
    with ExitStack() as stack:
        children: dict[str, Callable[[], object]] = {}
        for name, checkout in (("other", other), ("this", CHECKOUT)):
            if processes > 1:
                case = {key: value for key, value in settings.items() if key != "task"}
                children[name] = child = SharedStep(processes, checkout, **case)
                stack.callback(child.close)
                continue
            process = LineProcess([sys.executable, "-c", _CHILD, json.dumps(settings)], checkout)
            stack.callback(process.close)
            children[name] = partial(process.ask, "run")
            children[name]()
        timings = alternate(children, rounds)
    ratios = [a / b for a, b in zip(timings.seconds["other"], timings.seconds["this"], strict=True)]
    lower, _, upper = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    ratio = list(timings.ratio(["other"], "this"))
    return {"times": timings.to_dict(), "ratio": ratio, "quartiles": [lower, upper]}


if __name__ == "__main__":
    sys.exit(main())
