"""Compares training in bfloat16 with float32 on drawn smears, without a GPU: NumPy imitates the rounding of the GPU.

Activations, their gradients and the copies of the weights are rounded wherever the fused step keeps them in bfloat16. The weights
themselves, their gradients, sums and Adam stay float32, as in the fused step.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any

import numpy as np

from benchmarks.gpu.drawn_training import Pictures, compare, dice, parser
from minunet.kernels.dispatch import Primitive, intercept_calls

# The other results of these primitives belong to parameters and are not rounded.
CONVOLUTIONS = ("conv2d", "conv_transpose2d")
GRADIENTS = ("conv2d_grads", "conv_transpose2d_grads")


def rounded(value: Any) -> Any:
    """float32 arrays, also inside a tuple, rounded to bfloat16, to nearest, ties to even."""
    if isinstance(value, tuple):
        return tuple(rounded(item) for item in value)
    if not isinstance(value, np.ndarray) or value.dtype != np.float32:
        return value
    bits = np.ascontiguousarray(value).view(np.uint32)
    return ((bits + (0x7FFF + (bits >> 16 & 1))) & np.uint32(0xFFFF0000)).view(np.float32).reshape(value.shape)


def in_bfloat16(primitive: Primitive, args: tuple[Any, ...]) -> Any:
    """The result of the primitive on a GPU in bfloat16; for `dispatch.intercept_calls`."""
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
    """Print and save the two Dice coefficients of every seed; 1 if their means differ by more than 0.005."""
    args = parser("gpu_bfloat16", __doc__, **DEFAULTS).parse_args(argv)

    def train(precision: str, seed: int, training: Pictures, test: Pictures) -> float:
        with intercept_calls(in_bfloat16) if precision == "bf16" else contextlib.nullcontext():
            return dice(args, training, test, seed=seed, label=precision, device="cpu", precision="fp32")

    return compare("gpu_bfloat16", args, ("fp32", "bf16"), train, {})


if __name__ == "__main__":
    sys.exit(main())
