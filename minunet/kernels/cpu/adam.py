"""Adam over pieces of all parameters: each piece goes through the whole step while it is in the cache.

Small parameters, of which a U-Net has many, are gathered into one flat vector and handed back after the step.
"""

from __future__ import annotations

import numpy as np

from minunet.kernels import primitives
from minunet.kernels.cpu.numpy_arrays import on_cpu
from minunet.kernels.cpu.partition import even_parts
from minunet.kernels.cpu.scratch import Take, scratch
from minunet.kernels.cpu.threads import parallel

# Values at a time. A quarter would stay in a nearer cache, but threads whose calls are that short spend more time
# waiting for each other at the interpreter lock: 16 million values took 18 ms on two threads, 37 with a quarter.
CHUNK = 1 << 18
GATHERED = 1 << 14  # values of a parameter that is gathered with others rather than stepped by itself

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # parameter, gradient, first and second moment; flat


def _when(params, grads, exp_avgs, exp_avg_sqs, step, lr, betas, eps, weight_decay) -> bool:
    arrays = [*params, *grads, *exp_avgs, *exp_avg_sqs]
    return bool(arrays) and on_cpu(*arrays) and all(array.flags.c_contiguous for array in arrays)


@primitives.adam.register(
    "adam", when=_when, cost=lambda *args: 0.0, why="whole steps on pieces that stay in the cache"
)
def adam(params, grads, exp_avgs, exp_avg_sqs, step, lr, betas, eps, weight_decay) -> None:
    """See `primitives.adam`.

    With the corrections of the moments in front, m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps) is
    sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + eps * sqrt(1 - b2^t)).
    """
    beta1, beta2 = betas
    correction = (1 - beta2**step) ** 0.5
    rate, small = lr * correction / (1 - beta1**step), eps * correction
    arrays = zip(params, grads, exp_avgs, exp_avg_sqs, strict=True)

    def update(take: Take, param: np.ndarray, grad: np.ndarray, exp_avg: np.ndarray, exp_avg_sq: np.ndarray) -> None:
        t = take(param.shape, param.dtype)
        if weight_decay:
            decayed = take(param.shape, param.dtype)
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
        t += small
        np.divide(exp_avg, t, out=t)
        t *= rate
        param -= t

    def job(piece: list[Arrays]) -> None:
        with scratch() as take:
            if len(piece) == 1:
                update(take, *piece[0])
                return
            size = sum(parts[0].size for parts in piece)
            joined = [np.concatenate(group, out=take((size,), group[0].dtype)) for group in zip(*piece, strict=True)]
            update(take, *joined)
            start = 0
            for param, _, *moments in piece:
                own = slice(start, start + param.size)
                for array, vector in zip((param, *moments), (joined[0], *joined[2:]), strict=True):
                    array[...] = vector[own]
                start = own.stop

    parallel(job, _pieces([tuple(array.reshape(-1) for array in group) for group in arrays]))


def _pieces(flat: list[Arrays]) -> list[list[Arrays]]:
    """Parts of large parameters, one each, and then small parameters together, as many as fill a part."""
    pieces: list[list[Arrays]] = []
    together: list[list[Arrays]] = []
    room = 0
    for arrays in flat:
        size = arrays[0].size
        if size > GATHERED:
            parts = [slice(start, start + count) for start, count in even_parts(size, CHUNK)]
            pieces += [[tuple(array[part] for array in arrays)] for part in parts]
            continue
        if not together or size > room:
            together.append([])
            room = max(CHUNK, size)
        together[-1].append(arrays)
        room -= size
    return pieces + together
