"""Launches Adam over many tensors at once; the table of their addresses travels with the launch."""

from __future__ import annotations

import ctypes

from minunet.kernels.cuda.elements import ceil_div, cpp_type, takes
from minunet.kernels.cuda.launcher import launcher_for, run
from minunet.kernels.cuda.program import Program

THREADS, PIECE, MAX_TENSORS = 256, 4096, 64  # as in adam.cu

ADAM = Program("adam.cu", ("adam<float>", "adam<double>"), registers=64)


class Tensors(ctypes.Structure):
    """Mirrors `Tensors` in adam.cu."""

    _fields_ = [
        ("count", ctypes.c_int),
        ("first_block", ctypes.c_int * MAX_TENSORS),
        ("sizes", ctypes.c_longlong * MAX_TENSORS),
        *((name, ctypes.c_void_p * MAX_TENSORS) for name in ("params", "grads", "exp_avgs", "exp_avg_sqs")),
    ]


class Step(ctypes.Structure):
    """Mirrors `Step` in adam.cu."""

    _fields_ = [(name, ctypes.c_double) for name in ("rate", "root", "beta1", "beta2", "eps", "weight_decay")]


def takes_adam(params, grads, exp_avgs, exp_avg_sqs, step, lr, betas, eps, weight_decay) -> bool:
    """Whether the kernel can update these arrays, which it does in place."""
    arrays = [*params, *grads, *exp_avgs, *exp_avg_sqs]
    return bool(params) and takes(*arrays, types=("float32", "float64")) and all(a.flags.c_contiguous for a in arrays)


def adam(params, grads, exp_avgs, exp_avg_sqs, step, lr, betas, eps, weight_decay) -> None:
    """See `reference.adam`; one launch for every 64 tensors."""
    beta1, beta2 = betas
    scales = Step(lr / (1 - beta1**step), (1 - beta2**step) ** 0.5, beta1, beta2, eps, weight_decay)
    launcher = launcher_for(params[0])
    groups = list(zip(params, grads, exp_avgs, exp_avg_sqs, strict=True))
    for first in range(0, len(groups), MAX_TENSORS):
        part = [group for group in groups[first : first + MAX_TENSORS] if group[0].size]
        table, blocks = Tensors(count=len(part)), 0
        for k, group in enumerate(part):
            table.first_block[k], table.sizes[k] = blocks, group[0].size
            blocks += ceil_div(group[0].size, PIECE)
            for name, array in zip(("params", "grads", "exp_avgs", "exp_avg_sqs"), group, strict=True):
                getattr(table, name)[k] = launcher.pointer(array)
        run(launcher, ADAM, f"adam<{cpp_type(params[0])}>", grid=(blocks,), block=THREADS, arguments=[table, scales])
