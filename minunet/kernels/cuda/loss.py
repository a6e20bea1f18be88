"""Launches binary cross-entropy on logits and its gradient."""

from __future__ import annotations

import ctypes

from minunet.kernels.cuda.dtypes import ceil_div, cpp_type, takes
from minunet.kernels.cuda.launcher import launcher_for, run
from minunet.kernels.cuda.program import Program

THREADS = 256
MAX_BLOCKS = 512  # a constant, so that the sum has the same order on every GPU
SHARED_BYTES = THREADS // 32 * 8  # one double per warp
TYPES = ("float32", "float64")

LOSS = Program(
    "loss.cu",
    (
        *(f"{kernel}<{t}>" for kernel in ("bce_sums", "mean_of_sums", "bce_gradient") for t in ("float", "double")),
        *(f"bce_step<{t}>" for t in ("float", "bfloat16")),
    ),
    registers=64,
)


def takes_bce(logits, target, weight) -> bool:
    """Whether the kernels can take these arrays."""
    return takes(logits, target, weight, types=TYPES) and logits.size > 0


def takes_bce_grad(grad_output, logits, target, weight) -> bool:
    """Whether the kernels can take these arrays."""
    return takes(grad_output, logits, target, weight, types=TYPES) and logits.size > 0


def bce_with_logits(logits, target, weight):
    """See `primitives.bce_with_logits`."""
    launcher, t = launcher_for(logits), cpp_type(logits)
    blocks = min(ceil_div(logits.size, THREADS), MAX_BLOCKS)
    partial = launcher.empty((blocks,), "float64")
    loss = launcher.empty((), logits.dtype)
    count = ctypes.c_longlong(logits.size)
    run(
        launcher,
        LOSS,
        f"bce_sums<{t}>",
        grid=(blocks,),
        block=THREADS,
        shared_bytes=SHARED_BYTES,
        arguments=[logits, target, weight, partial, count],
    )
    _mean(partial, loss, logits.size)
    return loss


def bce_with_logits_grad(grad_output, logits, target, weight):
    """See `primitives.bce_with_logits_grad`; the gradient of what follows the loss stays on the device."""
    launcher = launcher_for(logits)
    out = launcher.empty(logits.shape, logits.dtype)
    run(
        launcher,
        LOSS,
        f"bce_gradient<{cpp_type(logits)}>",
        grid=(ceil_div(out.size, THREADS),),
        block=THREADS,
        arguments=[grad_output, logits, target, weight, out, ctypes.c_longlong(out.size)],
    )
    return out


def bce_step(logits, target, grad, partial, loss, *, rounded: bool = False) -> None:
    """Fill `grad` and `loss` (one float32) from logits that may have more channels than the target, which is float32.

    `partial` is room for MAX_BLOCKS float64. `grad` may be `logits` itself; floats in it are `rounded` to tf32.
    """
    channels, width = target.shape[-1], logits.shape[-1]
    pixels = target.size // channels
    blocks = min(ceil_div(logits.size, THREADS), MAX_BLOCKS)
    run(
        launcher_for(logits),
        LOSS,
        f"bce_step<{cpp_type(logits)}>",
        grid=(blocks,),
        block=THREADS,
        shared_bytes=SHARED_BYTES,
        arguments=[
            logits,
            target,
            grad,
            partial,
            ctypes.c_longlong(pixels),
            ctypes.c_int(channels),
            ctypes.c_int(width),
            ctypes.c_int(rounded),
        ],
    )
    _mean(partial, loss, target.size, blocks)


def _mean(partial, loss, count: int, blocks: int | None = None) -> None:
    blocks = partial.shape[0] if blocks is None else blocks
    run(
        launcher_for(loss),
        LOSS,
        f"mean_of_sums<{cpp_type(loss)}>",
        grid=(1,),
        block=THREADS,
        shared_bytes=SHARED_BYTES,
        arguments=[partial, loss, ctypes.c_int(blocks), ctypes.c_longlong(count)],
    )
