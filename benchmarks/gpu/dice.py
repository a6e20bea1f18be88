"""Training on a GPU in fp32 (op by op), tf32 and bf16 (one CUDA graph a step) from the same seeds: Dice on drawn smears.

Under 100 seconds on one H100; 1 where a mean Dice is more than 0.005 from fp32's, 2 where there is no GPU.
"""

from __future__ import annotations

import sys

from benchmarks.gpu.bare import prepare

STOOD_IN = prepare()

from benchmarks.drawn_training import compare, dice, parser  # noqa: E402
from benchmarks.gpu.device import Gpu  # noqa: E402
from minunet.kernels.backend import why_no_gpu  # noqa: E402

DEFAULTS = {"seeds": 3, "epochs": 40, "images": 96, "size": 96, "batch": 8, "base": 16}


def main(argv: list[str] | None = None) -> int:
    """Train, print and save."""
    args = parser("gpu_dice", __doc__, **DEFAULTS).parse_args(argv)
    problem = why_no_gpu()
    if problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2

    def train(precision, seed, training, test):
        return dice(args, training, test, seed=seed, label=precision, device="cuda", precision=precision)

    about = {"gpu": Gpu().name, "stood_in_for": STOOD_IN}
    return compare("gpu_dice", args, ("fp32", "tf32", "bf16"), train, about)


if __name__ == "__main__":
    sys.exit(main())
