"""Launches Adam over many tensors at once; the table of their addresses travels with the launch."""

from __future__ import annotations

import ctypes

from minunet.kernels.cuda.elements import ceil_div, cpp_type, takes
from minunet.kernels.cuda.launcher import launcher_for, run
from minunet.kernels.cuda.program import Program

THREADS, PIECE, MAX_TENSORS = 256, 4096, 64  # as in adam.cu

ADAM = Program("adam.cu", ("adam<float>", "adam<double>", "advance", "set_learning_rate", "set_updates"), registers=64)


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
        *((name, ctypes.c_double) for name in ("rate", "root")),
        ("moving", ctypes.c_void_p),
        *((name, ctypes.c_double) for name in ("beta1", "beta2", "eps", "weight_decay")),
    ]


def takes_adam(params, grads, exp_avgs, exp_avg_sqs, step, lr, betas, eps, weight_decay) -> bool:
    """Whether the kernel can update these arrays, which it does in place."""
    arrays = [*params, *grads, *exp_avgs, *exp_avg_sqs]
    return bool(params) and takes(*arrays, types=("float32", "float64")) and all(a.flags.c_contiguous for a in arrays)


def adam(params, grads, exp_avgs, exp_avg_sqs, step, lr, betas, eps, weight_decay) -> None:
    """See `reference.adam`; one launch for every 64 tensors."""
    beta1, beta2 = betas
    scales = Step(lr / (1 - beta1**step), (1 - beta2**step) ** 0.5, 0, beta1, beta2, eps, weight_decay)
    update(params, grads, exp_avgs, exp_avg_sqs, [None] * len(params), scales)


def update(params, grads, exp_avgs, exp_avg_sqs, copies, step: Step) -> None:
    """Update `params` and both moments; where `copies` holds a bfloat16 array, the new parameter goes there too."""
    launcher = launcher_for(params[0], grads[0])
    groups = [group for group in zip(params, grads, exp_avgs, exp_avg_sqs, copies, strict=True) if group[0].size]
    for first in range(0, len(groups), MAX_TENSORS):
        table, blocks = Tensors(), 0
        for k, group in enumerate(groups[first : first + MAX_TENSORS]):
            table.count, table.first_block[k], table.sizes[k] = k + 1, blocks, group[0].size
            blocks += ceil_div(group[0].size, PIECE)
            for name, array in zip(("params", "grads", "exp_avgs", "exp_avg_sqs", "copies"), group, strict=True):
                getattr(table, name)[k] = None if array is None else launcher.pointer(array)
        run(launcher, ADAM, f"adam<{cpp_type(params[0])}>", grid=(blocks,), block=THREADS, arguments=[table, step])


def advance(clock, betas: tuple[float, float]) -> None:
    """Count one update in `clock`, four float64 on the device (updates, lr, rate, root), and set its rate and root."""
    run(launcher_for(clock), ADAM, "advance", grid=(1,), block=1, arguments=[clock, *map(ctypes.c_double, betas)])


def set_learning_rate(clock, lr: float) -> None:
    """The learning rate of the updates to come."""
    run(launcher_for(clock), ADAM, "set_learning_rate", grid=(1,), block=1, arguments=[clock, ctypes.c_double(lr)])


def set_updates(clock, updates: int) -> None:
    """How many updates there were so far."""
    run(launcher_for(clock), ADAM, "set_updates", grid=(1,), block=1, arguments=[clock, ctypes.c_double(updates)])
