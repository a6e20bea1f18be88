"""Matrix products recorded as steps on fixed buffers, in blocks of the size that the BLAS multiplies fastest.

A step is a call without arguments. Recording once what every chunk of an image repeats leaves the interpreter little
to do between two calls, and it is there, holding the interpreter lock, that one thread makes another wait.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

Step = Callable[[], object]

# Up to 10^6 multiplications OpenBLAS reads the operands where they are, without repacking them (its small-matrix
# kernels for AVX-512): measured 95-105 GFLOP/s on blocks below, 75-88 just above, of a peak of 105.
SMALL = 1_000_000


def transform(matrix: np.ndarray, rows: np.ndarray, out: np.ndarray) -> list[Step]:
    """Steps for out = matrix @ rows with a small matrix and long rows: (P, Q) @ (..., Q, L) -> (..., P, L)."""
    length = rows.shape[-1]
    parts = -(-matrix.size * length // SMALL)
    blocks = [slice(length * i // parts, length * (i + 1) // parts) for i in range(parts)]
    return [partial(np.matmul, matrix, rows[..., block], out[..., block]) for block in blocks]


def multiply(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> list[Step]:
    """Steps for out[...] = a[...] @ b[...] over all leading axes: (..., M, L) @ (..., L, N) -> (..., M, N)."""
    rows, length, columns = a.shape[-2], a.shape[-1], b.shape[-1]
    if length == 1:  # nothing to add up: an outer product is no work for a BLAS
        return [partial(np.multiply, a, b, out)]
    width = columns
    while width > 64 and width * length * 56 > SMALL:
        width = -(-width // 2)
    height = SMALL // (width * length)
    if rows * length * columns <= SMALL or height < 24:
        return [partial(np.matmul, a, b, out)]
    parts = -(-rows // height)
    blocks = [slice(rows * i // parts, rows * (i + 1) // parts) for i in range(parts)]
    return [
        partial(np.matmul, a[..., block, :], b[..., j : j + width], out[..., block, j : j + width])
        for j in range(0, columns, width)
        for block in blocks
    ]


def run(steps: list[Step]) -> None:
    """Carry out recorded steps in their order."""
    for step in steps:
        step()


def multiply_cost(rows: int, length: int, columns: int) -> float:
    """Estimated nanoseconds of one core for (rows, length) @ (length, columns) in float32.

    0.02 ns per multiplication and addition is 100 GFLOP/s. The kernels take 16 columns at a time, and every value of the
    operands and the result has to be fetched or stored.
    """
    padded = -(-columns // 16) * 16
    return 0.02 * rows * length * padded + 0.1 * (rows * length + rows * columns + length * columns)
