"""How tf32 and bf16 change the probabilities of a trained network, without a GPU: NumPy imitates the rounding of the GPU.

Networks are trained in float32 on drawn smears and then predict the same test images in each precision: with factors rounded to
tf32 (10 bits of mantissa), and with everything rounded to bfloat16 (7 bits) that a GPU keeps in bfloat16.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np

from benchmarks.gpu.bfloat16 import CONVOLUTIONS, in_bfloat16
from benchmarks.gpu.drawn_training import SETTINGS, drawn, logits, parser, trained
from benchmarks.results import save
from minunet.kernels.dispatch import Primitive, intercept_calls

DEFAULTS = {"seeds": 3, "epochs": 12, "images": 48, "size": 96, "batch": 4, "base": 8}


def to_tf32(value: Any) -> Any:
    """float32 arrays, also inside a tuple, rounded to tf32, to nearest, ties away from zero."""
    if isinstance(value, tuple):
        return tuple(to_tf32(item) for item in value)
    bits = np.ascontiguousarray(value).view(np.uint32)
    return ((bits + np.uint32(0x1000)) & np.uint32(0xFFFFE000)).view(np.float32).reshape(value.shape)


def in_tf32(primitive: Primitive, args: tuple[Any, ...]) -> Any:
    """The result of the primitive on the GPU in tf32, forward; for `dispatch.replace`."""
    if primitive.name in CONVOLUTIONS:
        sources, weight, *rest = args
        args = to_tf32(sources), to_tf32(weight), *rest
    return primitive.choose(*args).run(*args)


IMITATIONS = {"tf32": in_tf32, "bf16": in_bfloat16}


def probability(values: np.ndarray) -> np.ndarray:
    """The probabilities of logits, in float64."""
    return 1 / (1 + np.exp(-values.astype(np.float64)))


def changes(exact: np.ndarray, found: np.ndarray) -> dict[str, float]:
    """Changes of probabilities: the largest, the 99.9 % quantile, the mean, and the share of pixels on the other side of 0.5."""
    change = np.abs(found - exact)
    return {
        "largest": float(change.max()),
        "one in a thousand": float(np.quantile(change, 0.999)),
        "mean": float(change.mean()),
        "other answers": float(((found > 0.5) != (exact > 0.5)).mean()),
    }


def main(argv: list[str] | None = None) -> int:
    """Print and save the changes of every seed."""
    args = parser("gpu_probabilities", __doc__, **DEFAULTS).parse_args(argv)
    began = time.perf_counter()
    training, (images, _) = drawn(args.images, args.size, 0), drawn(max(args.images // 3, 1), args.size, 1)
    results: dict[str, list[dict[str, float]]] = {name: [] for name in IMITATIONS}
    for seed in range(args.seeds):
        model = trained(args, training, seed=seed, label="fp32", device="cpu", precision="fp32")
        exact = probability(logits(args, model, images, "fp32"))
        for name, imitation in IMITATIONS.items():
            with intercept_calls(imitation):
                results[name].append(changes(exact, probability(logits(args, model, images, "fp32"))))
            summary = ", ".join(f"{what} {value:.2g}" for what, value in results[name][-1].items())
            print(f"seed {seed}, {name}: change of a probability: {summary}", flush=True)
    command = "python -m benchmarks.gpu.probabilities " + " ".join(
        f"--{name} {getattr(args, name)}" for name in SETTINGS
    )
    print(f"wrote {save('gpu_probabilities', command, results, args.out)} ({time.perf_counter() - began:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
