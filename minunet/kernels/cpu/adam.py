"""Adam's step in blocks of all parameters: each block goes through the whole step while it is in the cache.

Small parameters, of which a U-Net has many, are joined to one vector for the step and written back after it.
"""

from __future__ import annotations

import numpy as np

from minunet.kernels import primitives
from minunet.kernels.cpu.array_types import Arrays, are_numpy_floats
from minunet.kernels.cpu.partition import even_slices
from minunet.kernels.cpu.scratch import Allocate, scratch
from minunet.kernels.cpu.threads import get_num_threads, parallel

# A quarter stays in a nearer cache, but threads whose calls are that short spend more time waiting for the interpreter
# lock: 16 million values took 18 ms on two threads, 37 with a quarter. The size changes no bit: values do not meet.
VALUES_PER_BLOCK = 1 << 18
VALUES_PER_BLOCK_ALONE = 1 << 16  # on one thread: 2 million values take 6.1 ms, and 7.3 with four times as many a block
MAX_JOINED = 1 << 14  # values of a parameter that is joined with others; a larger one is stepped by itself

# Of one parameter or a part of it: the values, the gradient, the first and the second moment; all one-dimensional.
ParameterArrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _applies(params: Arrays, grads: Arrays, exp_avgs: Arrays, exp_avg_sqs: Arrays, *hyperparameters: object) -> bool:
    arrays = [*params, *grads, *exp_avgs, *exp_avg_sqs]
    return bool(arrays) and are_numpy_floats(*arrays) and all(array.flags.c_contiguous for array in arrays)


@primitives.adam.register(
    "adam", when=_applies, cost=lambda *args: 0.0, why="whole steps on blocks that stay in the cache"
)
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
    """See `primitives.adam`.

    The corrections of the moments are moved to the front: m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps) is
    sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + eps * sqrt(1 - b2^t)).
    """
    beta1, beta2 = betas
    correction = (1 - beta2**step) ** 0.5
    corrected_lr, corrected_eps = lr * correction / (1 - beta1**step), eps * correction

    def update(
        allocate: Allocate, param: np.ndarray, grad: np.ndarray, exp_avg: np.ndarray, exp_avg_sq: np.ndarray
    ) -> None:
        t = allocate(param.shape, param.dtype)
        if weight_decay:
            decayed = allocate(param.shape, param.dtype)
            np.multiply(param, weight_decay, out=decayed)
            grad = np.add(decayed, grad, out=decayed)
        exp_avg *= beta1
        np.multiply(grad, 1 - beta1, out=t)
        exp_avg += t
        exp_avg_sq *= beta2
        np.multiply(grad, grad, out=t)
        t *= 1 - beta2
        exp_avg_sq += t
        np.sqrt(exp_avg_sq, out=t)
        t += corrected_eps
        np.divide(exp_avg, t, out=t)
        t *= corrected_lr
        param -= t

    def job(parts: list[ParameterArrays]) -> None:
        with scratch() as allocate:
            if len(parts) == 1:
                update(allocate, *parts[0])
                return
            size = sum(part[0].size for part in parts)
            param, grad, exp_avg, exp_avg_sq = (
                np.concatenate(arrays, out=allocate((size,), arrays[0].dtype)) for arrays in zip(*parts, strict=True)
            )
            update(allocate, param, grad, exp_avg, exp_avg_sq)
            start = 0
            for part in parts:
                own = slice(start, start + part[0].size)
                part[0][...], part[2][...], part[3][...] = param[own], exp_avg[own], exp_avg_sq[own]
                start = own.stop

    arrays = zip(params, grads, exp_avgs, exp_avg_sqs, strict=True)
    parallel(job, _jobs([(p.reshape(-1), g.reshape(-1), m.reshape(-1), v.reshape(-1)) for p, g, m, v in arrays]))


def _jobs(parameters: list[ParameterArrays]) -> list[list[ParameterArrays]]:
    """Blocks of large parameters, one each, and then small parameters together, as many as fill a block."""
    size = VALUES_PER_BLOCK if get_num_threads() > 1 else min(VALUES_PER_BLOCK, VALUES_PER_BLOCK_ALONE)
    jobs: list[list[ParameterArrays]] = []
    joined: list[list[ParameterArrays]] = []
    room = 0
    for param, grad, exp_avg, exp_avg_sq in parameters:
        if param.size > MAX_JOINED:
            blocks = even_slices(param.size, size)
            jobs += [[(param[block], grad[block], exp_avg[block], exp_avg_sq[block])] for block in blocks]
            continue
        if not joined or param.size > room:
            joined.append([])
            room = max(size, param.size)
        joined[-1].append((param, grad, exp_avg, exp_avg_sq))
        room -= param.size
    return jobs + joined
