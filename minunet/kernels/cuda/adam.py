"""Launches Adam on many tensors at once, and the updates of Adam's state on the device. The kernels are in adam.cu.

A table of the tensors' addresses is an argument of the launch.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from typing import Any

from minunet.kernels.backend import Arrays
from minunet.kernels.cuda.devices import launcher_for, supports
from minunet.kernels.cuda.dtypes import ceil_div, cpp_type
from minunet.kernels.cuda.launcher import Launcher, run
from minunet.kernels.cuda.program import Program

THREADS, BLOCK_ELEMENTS, MAX_TENSORS = 256, 4096, 64  # as in adam.cu
SHARED_BYTES = THREADS // 32 * 8  # one double per warp
STATE_SIZE, SCALES_OFFSET = 6, 16  # of AdamState in adam.cu: float64 numbers, and the byte where its `scales` begin

ADAM = Program(
    "adam.cu",
    ("adam<float>", "adam<double>", "square_sums<float>", "advance", "set_learning_rate", "set_step_count"),
    registers=64,
)


class TensorTable(ctypes.Structure):
    """Mirrors `TensorTable` in adam.cu."""

    _fields_ = [
        ("count", ctypes.c_int),
        ("first_block", ctypes.c_int * MAX_TENSORS),
        ("sizes", ctypes.c_longlong * MAX_TENSORS),
        *((name, ctypes.c_void_p * MAX_TENSORS) for name in ("params", "grads", "exp_avgs", "exp_avg_sqs", "copies")),
    ]


class AdamArguments(ctypes.Structure):
    """Mirrors `AdamArguments` in adam.cu."""

    _fields_ = [
        *((name, ctypes.c_double) for name in ("step_size", "bias_correction2_sqrt", "grad_scale")),
        ("scales_on_device", ctypes.c_void_p),
        *((name, ctypes.c_double) for name in ("beta1", "beta2", "eps", "weight_decay")),
    ]


def supports_adam(params: Arrays, grads: Arrays, exp_avgs: Arrays, exp_avg_sqs: Arrays, *_: object) -> bool:
    """Whether the kernel can update these arrays. It updates them in place, so they must be contiguous."""
    arrays = [*params, *grads, *exp_avgs, *exp_avg_sqs]
    contiguous = all(a.flags.c_contiguous for a in arrays)
    return bool(params) and supports(*arrays, types=("float32", "float64")) and contiguous


def adam(
    params: Arrays,
    grads: Arrays,
    exp_avgs: Arrays,
    exp_avg_sqs: Arrays,
    step: int,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
) -> None:
    """See `primitives.adam`; one launch for every 64 tensors."""
    beta1, beta2 = betas
    arguments = AdamArguments(lr / (1 - beta1**step), (1 - beta2**step) ** 0.5, 1, 0, beta1, beta2, eps, weight_decay)
    update(params, grads, exp_avgs, exp_avg_sqs, [None] * len(params), arguments)


def update(
    params: Arrays,
    grads: Arrays,
    exp_avgs: Arrays,
    exp_avg_sqs: Arrays,
    copies: Sequence[Any],
    arguments: AdamArguments,
) -> None:
    """Update `params` and both moments in place. Where `copies` has a bfloat16 array, write the new parameter there too."""
    launcher, instance = launcher_for(params[0], grads[0]), f"adam<{cpp_type(params[0])}>"
    columns = {
        "params": params, "grads": grads, "exp_avgs": exp_avgs, "exp_avg_sqs": exp_avg_sqs, "copies": copies
    }  # fmt: skip
    for table, blocks in _tables(launcher, **columns):
        run(launcher, ADAM, instance, grid=(blocks,), block=THREADS, arguments=[table, arguments])


def num_square_sums(arrays: Sequence[Any]) -> int:
    """How many partial sums `square_sums` writes for these arrays."""
    return sum(ceil_div(array.size, BLOCK_ELEMENTS) for array in arrays)


def square_sums(grads: Sequence[Any], partial: Any) -> None:
    """Fill `partial` (float64) with sums of the squared elements of the float32 gradients, one for each 4096 elements."""
    launcher, first = launcher_for(grads[0]), 0
    for table, blocks in _tables(launcher, grads=grads):
        run(
            launcher,
            ADAM,
            f"square_sums<{cpp_type(grads[0])}>",
            grid=(blocks,),
            block=THREADS,
            shared_bytes=SHARED_BYTES,
            arguments=[table, partial, ctypes.c_int(first)],
        )
        first += blocks


def advance(state: Any, loss: Any, squares: Any, clip: float | None, betas: tuple[float, float]) -> None:
    """Count one update in `state`, and compute the scales that `update` reads there.

    Parameters
    ----------
    state : array of six float64
        On the device: number of updates, learning rate; step size, square root of the second bias correction, factor of the
        gradients (these three are the scales); norm of the gradient before clipping.
    loss : array of one float32
        If it is not finite, there is no update.
    squares : array of float64, or None
        From `square_sums`. If their sum is not finite, there is no update. If its root, the norm, is above `clip`, the gradients
        are scaled by clip / norm.
    clip : float, optional
        The largest norm of the gradient, all tensors together.
    betas : pair of floats
    """
    run(
        launcher_for(state),
        ADAM,
        "advance",
        grid=(1,),
        block=THREADS,
        shared_bytes=SHARED_BYTES,
        arguments=[
            state,
            loss,
            squares,
            ctypes.c_int(0 if squares is None else squares.size),
            *map(ctypes.c_double, (clip or 0.0, *betas)),
        ],
    )


def set_learning_rate(state: Any, lr: float) -> None:
    """Set the learning rate of the following updates."""
    run(launcher_for(state), ADAM, "set_learning_rate", grid=(1,), block=1, arguments=[state, ctypes.c_double(lr)])


def set_step_count(state: Any, count: int) -> None:
    """Set the number of updates so far."""
    run(launcher_for(state), ADAM, "set_step_count", grid=(1,), block=1, arguments=[state, ctypes.c_double(count)])


def _tables(launcher: Launcher, **columns: Sequence[Any]) -> Iterator[tuple[TensorTable, int]]:
    """Tables of up to 64 tensors, without empty ones, each with its number of blocks. An absent array becomes a null pointer."""
    groups = [group for group in zip(*columns.values(), strict=True) if group[0].size]
    for first in range(0, len(groups), MAX_TENSORS):
        table, blocks = TensorTable(), 0
        for k, group in enumerate(groups[first : first + MAX_TENSORS]):
            table.count, table.first_block[k], table.sizes[k] = k + 1, blocks, group[0].size
            blocks += ceil_div(group[0].size, BLOCK_ELEMENTS)
            for name, array in zip(columns, group, strict=True):
                getattr(table, name)[k] = None if array is None else launcher.pointer(array)
        yield table, blocks
