"""Launches cross-entropy, binary or of classes, on logits, and its gradient. The kernels are in loss.cu."""

from __future__ import annotations

import ctypes

import numpy as np

from minunet.kernels.backend import Array
from minunet.kernels.cuda.devices import launcher_for, supports
from minunet.kernels.cuda.dtypes import ceil_div, cpp_type
from minunet.kernels.cuda.launcher import run
from minunet.kernels.cuda.program import Program

THREADS = 256
MAX_BLOCKS = 512  # a constant, so that the sum has the same order on every GPU
SHARED_BYTES = THREADS // 32 * 8  # one double per warp
TYPES = ("float32", "float64")

LOSS = Program(
    "loss.cu",
    (
        *(f"{kernel}<{t}>" for kernel in ("bce_sums", "mean_of_sums", "bce_gradient") for t in ("float", "double")),
        *(f"{kernel}<{t}>" for kernel in ("bce_step", "class_step") for t in ("float", "bfloat16")),
    ),
    registers=64,
)


def supports_bce(logits: Array, target: Array, weight: Array | None) -> bool:
    """Whether the kernels can compute the loss of these arrays."""
    return supports(logits, target, weight, types=TYPES) and logits.size > 0


def supports_bce_grad(grad_output: Array, logits: Array, target: Array, weight: Array | None) -> bool:
    """Whether the kernels can compute this gradient."""
    return supports(grad_output, logits, target, weight, types=TYPES) and logits.size > 0


def bce_with_logits(logits: Array, target: Array, weight: Array | None) -> Array:
    """See `primitives.bce_with_logits`."""
    launcher = launcher_for(logits)
    blocks = min(ceil_div(logits.size, THREADS), MAX_BLOCKS)
    partial = launcher.empty((blocks,), np.dtype(np.float64))
    loss = launcher.empty((), logits.dtype)
    run(
        launcher,
        LOSS,
        f"bce_sums<{cpp_type(logits)}>",
        grid=(blocks,),
        block=THREADS,
        shared_bytes=SHARED_BYTES,
        arguments=[logits, target, weight, partial, ctypes.c_longlong(logits.size)],
    )
    _mean(partial, loss, logits.size, blocks)
    return loss


def bce_with_logits_grad(grad_output: Array, logits: Array, target: Array, weight: Array | None) -> Array:
    """See `primitives.bce_with_logits_grad`; `grad_output` is read on the device."""
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


def bce_step(
    logits: Array,
    target: Array,
    weight: Array | None,
    grad: Array,
    partial: Array,
    loss: Array,
    *,
    round_to_tf32: bool = False,
) -> None:
    """Fill `grad` and `loss` (one float32) in one pass, for a training step.

    Parameters
    ----------
    logits : array (N, H, W, C), float32 or bfloat16
        May have more channels than the target; the gradient of these is 0.
    target : array, float32
    weight : array, float32, or None
        Of each value, of the shape of `target`; a logit whose weight is 0 counts for nothing, whatever it is. None is 1 for all.
    grad : array
        Of the shape and dtype of `logits`; may be `logits` itself.
    partial : array of MAX_BLOCKS float64
        Working memory.
    round_to_tf32 : bool
        Round a float32 gradient to tf32.
    """
    channels, pixels = target.shape[-1], target.size // target.shape[-1]
    arrays = [logits, target, weight, grad, partial]
    _in_one_pass("bce_step", arrays, loss, logits.size, pixels, [channels], target.size, round_to_tf32)


def class_step(
    logits: Array,
    target: Array,
    weight: Array,
    grad: Array,
    partial: Array,
    loss: Array,
    classes: int,
    *,
    round_to_tf32: bool = False,
) -> None:
    """The same as `bce_step` for logits of which the first ones are under a softmax.

    Parameters
    ----------
    logits, grad, partial, round_to_tf32
        As there.
    target, weight : array (N, H, W, 1 or 2), float32
        Of each pixel the index of its class, from 0, and the target of the logit behind those of the classes, if there is
        one; and the weights of both.
    classes : int
        How many logits are under the softmax.
    """
    terms, pixels = target.shape[-1], target.size // target.shape[-1]
    arrays = [logits, target, weight, grad, partial]
    _in_one_pass("class_step", arrays, loss, pixels, pixels, [classes, terms], pixels, round_to_tf32)


def _in_one_pass(
    kernel: str,
    arrays: list[Array | None],
    loss: Array,
    work: int,
    pixels: int,
    sizes: list[int],
    count: int,
    round_to_tf32: bool,
) -> None:
    """Launch a kernel of a training step with a thread for each piece of `work`, and divide the sum of its losses by `count`."""
    logits, partial = arrays[0], arrays[-1]
    assert logits is not None and partial is not None
    blocks = min(ceil_div(work, THREADS), MAX_BLOCKS)
    numbers = [*sizes, logits.shape[-1], round_to_tf32]
    run(
        launcher_for(logits),
        LOSS,
        f"{kernel}<{cpp_type(logits)}>",
        grid=(blocks,),
        block=THREADS,
        shared_bytes=SHARED_BYTES,
        arguments=[*arrays, ctypes.c_longlong(pixels), *(ctypes.c_int(number) for number in numbers)],
    )
    _mean(partial, loss, count, blocks)


def _mean(partial: Array, loss: Array, count: int, blocks: int) -> None:
    run(
        launcher_for(loss),
        LOSS,
        f"mean_of_sums<{cpp_type(loss)}>",
        grid=(1,),
        block=THREADS,
        shared_bytes=SHARED_BYTES,
        arguments=[partial, loss, ctypes.c_int(blocks), ctypes.c_longlong(count)],
    )
