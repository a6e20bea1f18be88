"""`python -m benchmarks.layers`: the rows of `minunet.describe` with measured times: every call of a primitive in a training step.

With --inference, the calls of a forward pass without gradients. The time of a row is its median over the rounds; the time of an
operation is the sum of its rows. Medians of parts need not add up to the median of the whole. GFLOP/s counts the multiplications
and additions of the direct algorithm. Winograd's algorithm needs fewer, so its figure may be higher than the processor's peak.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from typing import Any

from tqdm import tqdm

import minunet
from benchmarks.cpu.contestants import OURS, contestant
from benchmarks.cpu.layer_table import layer_table
from benchmarks.cpu.timed_calls import TimedCalls, time_calls
from benchmarks.results import add_out, save
from benchmarks.timing import WARM_UP
from minunet.cli.argument_types import positive_int
from minunet.cli.command import command
from minunet.cli.parser import Parser

NOT_IN_THE_MODEL = (
    "bce_with_logits",
    "bce_with_logits_grad",
    "adam",
)  # calls of a training step that `describe` does not list


@command
def main(argv: list[str] | None = None) -> int:
    """Measure, print and save the table."""
    parser = Parser(prog="python -m benchmarks.layers", description=__doc__, formatter_class=argparse.HelpFormatter)
    parser.add_argument("--base", type=positive_int, default=64, help="base channels of the U-Net (default 64)")
    parser.add_argument("--batch", type=positive_int, default=2, help="images a batch (default 2)")
    parser.add_argument(
        "--size", type=positive_int, default=256, metavar="PIXELS", help="side of the images (default 256)"
    )
    parser.add_argument("--variant", choices=("classic", "paper"), default="classic", help="default classic")
    parser.add_argument("--rounds", type=positive_int, default=5, metavar="N", help="counted rounds (default 5)")
    parser.add_argument("--inference", action="store_true", help="time a forward pass without gradients, not a step")
    add_out(parser)
    args = parser.parse_args(argv)

    case = {"base": args.base, "batch": args.batch, "size": args.size, "variant": args.variant}
    task = "inference" if args.inference else "step"
    with tqdm(total=args.rounds + WARM_UP, unit="round", leave=False) as bar:
        figures = measure(task, case, args.rounds, bar.update)
    print(layer_table(figures))
    made_by = f"{parser.prog} --base {args.base} --batch {args.batch} --size {args.size}"
    made_by += (" --variant paper" if args.variant == "paper" else "") + (" --inference" if args.inference else "")
    name = f"layers_{task}_base{args.base}" + ("_paper" if args.variant == "paper" else "")
    print(f"\nwrote {save(name, made_by, figures, args.out)}")
    return 0


def measure(
    task: str, case: dict[str, Any], rounds: int, progress: Callable[[], None] | None = None, **options: Any
) -> dict[str, Any]:
    """The figures of a U-Net's training step or inference.

    Parameters
    ----------
    task : {"step", "inference"}
    case : dict
        base, batch, size and variant, as for `benchmarks.cpu.contestants.contestant`.
    rounds, progress, **options
        As for `benchmarks.cpu.timed_calls.time_calls`.

    Returns
    -------
    dict
        "rows", one for each call: layer, operation, shape, algorithm, gflop, ms, share (of the step) and gflops (per second);
        "operations", the sums for each kind; "outside", the time outside of primitives; "whole", that of the step.
        gflop and gflops are None for operations other than convolutions.
    """
    timed = time_calls(contestant(OURS, task=task, **case), rounds, progress, **options)
    whole = 1e3 * statistics.median(timed.whole)

    def figure(gflop: float, ms: float) -> dict[str, Any]:
        return {"gflop": gflop or None, "ms": ms, "share": ms / whole, "gflops": gflop / ms * 1e3 if gflop else None}

    rows = [
        {
            "layer": layer,
            "operation": call.operation,
            "shape": list(call.shape),
            "algorithm": call.algorithm,
            **figure(call.flops / 1e9, 1e3 * statistics.median(seconds)),
        }
        for layer, call, seconds in zip(_layers(task, case, timed), timed.calls, timed.seconds, strict=True)
    ]
    by_operation: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_operation.setdefault(row["operation"], []).append(row)
    operations = [
        {
            "operation": operation,
            "calls": len(its_rows),
            **figure(sum(row["gflop"] or 0.0 for row in its_rows), sum(row["ms"] for row in its_rows)),
        }
        for operation, its_rows in by_operation.items()
    ]
    outside = 1e3 * statistics.median(timed.outside())
    return {
        "task": task,
        **case,
        "rows": rows,
        "operations": operations,
        "outside": {"ms": outside, "share": outside / whole},
        "whole": {
            "ms": whole,
            "share": 1.0,
            "min_ms": 1e3 * min(timed.whole),
            "max_ms": 1e3 * max(timed.whole),
            "rounds": rounds,
        },
    }


def _layers(task: str, case: dict[str, Any], timed: TimedCalls) -> list[str]:
    """The layer of each call, from the rows of `minunet.describe`, whose order is that of the calls."""
    model = minunet.UNet(base_channels=case["base"], variant=case["variant"])
    shape = (case["batch"], case["size"], case["size"], 1)
    described = minunet.describe(model, shape, gradients=task == "step").rows
    listed = [(operation, output, algorithm) for _, operation, output, _, algorithm, _ in described]
    of_the_model = [call for call in timed.calls if call.operation not in NOT_IN_THE_MODEL]
    if listed != [(call.operation, call.shape, call.algorithm) for call in of_the_model]:
        raise RuntimeError("the calls of primitives are not those that describe lists")
    layers = (layer for layer, *_ in described)
    return ["" if call.operation in NOT_IN_THE_MODEL else next(layers) for call in timed.calls]


if __name__ == "__main__":
    sys.exit(main())
