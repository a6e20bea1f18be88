"""A matrix product of any size, cut by its shape into parts that BLAS computes on one thread each.

BLAS on several threads cuts a product by their number, and then the last bits of the result depend on it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minunet.kernels import primitives
from minunet.kernels.cpu import memory_pool
from minunet.kernels.cpu.array_types import are_numpy_floats
from minunet.kernels.cpu.blas import single_threaded_blas
from minunet.kernels.cpu.matmul import matmul as multiply
from minunet.kernels.cpu.partition import MAX_JOBS, even_slices, sum_in_order
from minunet.kernels.cpu.threads import parallel

WORK_PER_JOB = 1 << 24  # multiplications: a third of a millisecond, long enough to hand to a thread
LONG_SUMS = 16  # times as long as the result is wide: the sums are cut, since every job would read most of the factors

Part = tuple[np.ndarray, np.ndarray, np.ndarray]  # two factors and where their product is written


def _applies(a: np.ndarray, b: np.ndarray) -> bool:
    return are_numpy_floats(a, b) and a.size > 0 and b.size > 0 and primitives.can_multiply(a.shape, b.shape)


@primitives.matmul.register("matrix_product", when=_applies, why="parts by shape, one thread of BLAS for each")
def matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """See `primitives.matmul`."""
    shape = primitives.product_shape(a.shape, b.shape)
    # Vectors become matrices of one row or one column.
    left = a[None] if a.ndim == 1 else a
    right = b[:, None] if b.ndim == 1 else b
    if right.ndim == 2 and left.ndim > 2:
        left = left.reshape(-1, left.shape[-1])  # (..., M, L) -> (... * M, L)
    y = memory_pool.empty(primitives.product_shape(left.shape, right.shape), a.dtype)
    left = np.broadcast_to(left, (*y.shape[:-2], *left.shape[-2:]))
    right = np.broadcast_to(right, (*y.shape[:-2], *right.shape[-2:]))
    if y.ndim == 2 and left.shape[1] > LONG_SUMS * max(y.shape) and left.size * y.shape[1] > WORK_PER_JOB:
        _add_partial_products(left, right, y)
    elif y.size * left.shape[-1] <= WORK_PER_JOB:
        single_threaded_blas.call(_multiply, left, right, y)  # without the cost of handing out jobs
    else:
        parallel(lambda part: _multiply(*part), list(_parts(left, right, y)))
    return y.reshape(shape)


def _multiply(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    if out.ndim == 2:
        multiply(a[None], b[None], out[None])
    else:
        multiply(a, b, out)


def _parts(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> Iterator[Part]:
    """The product in parts: some of the matrices each or, of a large one, some of its rows or columns."""
    count = min(MAX_JOBS, -(-out.size * a.shape[-1] // WORK_PER_JOB))
    if count <= 1:
        yield a, b, out
    elif out.ndim > 2 and len(out) == 1:
        yield from _parts(a[0], b[0], out[0])
    elif out.ndim > 2:
        for some in even_slices(len(out), len(out) // count):
            yield from _parts(a[some], b[some], out[some])
    elif out.shape[0] >= out.shape[1]:
        for rows in even_slices(out.shape[0], -(-out.shape[0] // count)):
            yield a[rows], b, out[rows]
    else:
        for columns in even_slices(out.shape[1], -(-out.shape[1] // count)):
            yield a, b[:, columns], out[:, columns]


def _add_partial_products(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """out = a @ b for few outputs with long sums: the sums in parts, which are added in their order."""
    length = a.shape[1]
    count = min(MAX_JOBS, -(-out.size * length // WORK_PER_JOB))

    def job(terms: slice) -> np.ndarray:
        partial_sums = np.empty(out.shape, out.dtype)
        _multiply(a[:, terms], b[terms], partial_sums)
        return partial_sums

    np.copyto(out, sum_in_order(parallel(job, even_slices(length, -(-length // count)))))
