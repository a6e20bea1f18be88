"""Launches Adam over many tensors at once; the table of their addresses travels with the launch."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from typing import Any

from minunet.kernels.cuda.dtypes import ceil_div, cpp_type, takes
from minunet.kernels.cuda.launcher import Launcher, launcher_for, run
from minunet.kernels.cuda.program import Program

THREADS, PIECE, MAX_TENSORS = 256, 4096, 64  # as in adam.cu
SHARED_BYTES = THREADS // 32 * 8  # one double per warp

ADAM = Program(
    "adam.cu",
    ("adam<float>", "adam<double>", "square_sums<float>", "advance", "set_learning_rate", "set_updates"),
    registers=64,
)


class Tensors(ctypes.Structure):
    """Mirrors `Tensors` in adam.cu."""

    _fields_ = [
        ("count", ctypes.c_int),
        ("first_block", ctypes.c_int * MAX_TENSORS),
        ("sizes", ctypes.c_longlong * MAX_TENSORS),
        *((name, ctypes.c_void_p * MAX_TENSORS) for name in ("params", "grads", "exp_avgs", "exp_avg_sqs", "copies")),
    ]


class Step(ctypes.Structure):
    """Mirrors `Step` in adam.cu."""

    _fields_ = [
        *((name, ctypes.c_double) for name in ("rate", "root", "gradient")),
        ("moving", ctypes.c_void_p),
        *((name, ctypes.c_double) for name in ("beta1", "beta2", "eps", "weight_decay")),
    ]


def takes_adam(params, grads, exp_avgs, exp_avg_sqs, step, lr, betas, eps, weight_decay) -> bool:
    """Whether the kernel can update these arrays, which it does in place."""
    arrays = [*params, *grads, *exp_avgs, *exp_avg_sqs]
    return bool(params) and takes(*arrays, types=("float32", "float64")) and all(a.flags.c_contiguous for a in arrays)


def adam(params, grads, exp_avgs, exp_avg_sqs, step, lr, betas, eps, weight_decay) -> None:
    """See `primitives.adam`; one launch for every 64 tensors."""
    beta1, beta2 = betas
    scales = Step(lr / (1 - beta1**step), (1 - beta2**step) ** 0.5, 1, 0, beta1, beta2, eps, weight_decay)
    update(params, grads, exp_avgs, exp_avg_sqs, [None] * len(params), scales)


def update(params, grads, exp_avgs, exp_avg_sqs, copies, step: Step) -> None:
    """Update `params` and both moments; where `copies` holds a bfloat16 array, the new parameter goes there too."""
    launcher = launcher_for(params[0], grads[0])
    for table, blocks in _tables(
        launcher, params=params, grads=grads, exp_avgs=exp_avgs, exp_avg_sqs=exp_avg_sqs, copies=copies
    ):
        run(launcher, ADAM, f"adam<{cpp_type(params[0])}>", grid=(blocks,), block=THREADS, arguments=[table, step])


def pieces(arrays) -> int:
    """How many numbers `square_sums` gives for these arrays."""
    return sum(ceil_div(array.size, PIECE) for array in arrays)


def square_sums(grads, partial) -> None:
    """Fill `partial`, float64, with the sums of the squares of pieces of the gradients, float32."""
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


def advance(clock, loss, squares, clip: float | None, betas: tuple[float, float]) -> None:
    """Count one update in `clock`, six float64 on the device (updates, lr, and rate, root, scale of the gradient, its norm).

    Parameters
    ----------
    loss : array of one float32
        Where it is not finite, there is no update.
    squares : array of float64, or None
        From `square_sums`: where their sum is not finite there is no update, and where its root is above `clip` the gradients
        are scaled by clip / root.
    """
    run(
        launcher_for(clock),
        ADAM,
        "advance",
        grid=(1,),
        block=THREADS,
        shared_bytes=SHARED_BYTES,
        arguments=[
            clock,
            loss,
            squares,
            ctypes.c_int(0 if squares is None else squares.size),
            *map(ctypes.c_double, (clip or 0.0, *betas)),
        ],
    )


def set_learning_rate(clock, lr: float) -> None:
    """The learning rate of the updates to come."""
    run(launcher_for(clock), ADAM, "set_learning_rate", grid=(1,), block=1, arguments=[clock, ctypes.c_double(lr)])


def set_updates(clock, updates: int) -> None:
    """How many updates there were so far."""
    run(launcher_for(clock), ADAM, "set_updates", grid=(1,), block=1, arguments=[clock, ctypes.c_double(updates)])


def _tables(launcher: Launcher, **columns: Sequence[Any]) -> Iterator[tuple[Tensors, int]]:
    """Tables of up to 64 tensors that are not empty, each with the number of its blocks; absent arrays become null."""
    groups = [group for group in zip(*columns.values(), strict=True) if group[0].size]
    for first in range(0, len(groups), MAX_TENSORS):
        table, blocks = Tensors(), 0
        for k, group in enumerate(groups[first : first + MAX_TENSORS]):
            table.count, table.first_block[k], table.sizes[k] = k + 1, blocks, group[0].size
            blocks += ceil_div(group[0].size, PIECE)
            for name, array in zip(columns, group, strict=True):
                getattr(table, name)[k] = None if array is None else launcher.pointer(array)
        yield table, blocks
