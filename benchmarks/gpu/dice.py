"""Compares training on a GPU in fp32 (op by op), tf32 and bf16 (a CUDA graph per step) from the same seeds: Dice on drawn smears.

Under 100 seconds on an H100. The exit code is 1 if a mean Dice differs from that in fp32 by more than 0.005, 2 without a GPU.
"""

from __future__ import annotations

import sys

from benchmarks.gpu.bare_checkout import prepare

MISSING = prepare()

from benchmarks.gpu.device import Gpu  # noqa: E402
from benchmarks.gpu.drawn_training import Pictures, compare, dice, parser  # noqa: E402
from minunet.kernels.backend import why_no_gpu  # noqa: E402

DEFAULTS = {"seeds": 3, "epochs": 40, "images": 96, "size": 96, "batch": 8, "base": 16}


def main(argv: list[str] | None = None) -> int:
    """Train, print and save."""
    args = parser("gpu_dice", __doc__, **DEFAULTS).parse_args(argv)
    problem = why_no_gpu()
    if problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2

    def train(precision: str, seed: int, training: Pictures, test: Pictures) -> float:
        return dice(args, training, test, seed=seed, label=precision, device="cuda", precision=precision)

    about = {"gpu": Gpu().name, "stood_in_for": MISSING}
    return compare("gpu_dice", args, ("fp32", "tf32", "bf16"), train, about)


if __name__ == "__main__":
    sys.exit(main())
