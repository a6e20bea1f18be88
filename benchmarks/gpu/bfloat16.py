"""Training in bfloat16 beside float32 on drawn smears, without a GPU: the GPU's rounding imitated in NumPy.

Activations, their gradients and the working weights are rounded to 8 bits of mantissa wherever the fused step keeps them in
bfloat16; weights, their gradients, sums and Adam stay float32, as there.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any

import numpy as np

from benchmarks.drawn_training import Pictures, compare, dice, parser
from minunet.kernels.dispatch import Primitive, intercept_calls

# Which results of these primitives are activations or gradients of activations; the others belong to parameters.
CONVOLUTIONS = ("conv2d", "conv_transpose2d")
GRADIENTS = ("conv2d_grads", "conv_transpose2d_grads")


def rounded(value: Any) -> Any:
    """float32 arrays, also inside a tuple, with what bfloat16 cannot hold rounded away, to nearest with ties to even."""
    if isinstance(value, tuple):
        return tuple(rounded(item) for item in value)
    if not isinstance(value, np.ndarray) or value.dtype != np.float32:
        return value
    bits = np.ascontiguousarray(value).view(np.uint32)
    return ((bits + (0x7FFF + (bits >> 16 & 1))) & np.uint32(0xFFFF0000)).view(np.float32).reshape(value.shape)


def in_bfloat16(primitive: Primitive, args: tuple[Any, ...]) -> Any:
    """What the primitive gives on the GPU in bfloat16; for `dispatch.replace`."""
    name = primitive.name
    if name in CONVOLUTIONS:
        sources, weight, bias, *rest = args
        args = rounded(sources), rounded(weight), bias, *rest
        return rounded(primitive.choose(*args).run(*args))
    if name in GRADIENTS:
        grad, sources, weight, *rest = args
        args = rounded(grad), rounded(sources), rounded(weight), *rest
        grad_sources, grad_weight, grad_bias = primitive.choose(*args).run(*args)
        return rounded(grad_sources), grad_weight, grad_bias
    result = primitive.choose(*args).run(*args)
    return result if name in ("adam", "bce_with_logits") else rounded(result)


DEFAULTS = {"seeds": 3, "epochs": 12, "images": 48, "size": 96, "batch": 4, "base": 8}


def main(argv: list[str] | None = None) -> int:
    """Print and save the two Dice coefficients of every seed; 1 where their means are more than 0.005 apart."""
    args = parser("gpu_bfloat16", __doc__, **DEFAULTS).parse_args(argv)

    def train(precision: str, seed: int, training: Pictures, test: Pictures) -> float:
        with intercept_calls(in_bfloat16) if precision == "bf16" else contextlib.nullcontext():
            return dice(args, training, test, seed=seed, label=precision, device="cpu", precision="fp32")

    return compare("gpu_bfloat16", args, ("fp32", "bf16"), train, {})


if __name__ == "__main__":
    sys.exit(main())
