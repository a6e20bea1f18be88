"""Matrix products recorded as steps on fixed buffers, in blocks of the size that the BLAS multiplies fastest.

A step is a call without arguments. Recording once what every chunk of an image repeats leaves the interpreter little
to do between two calls, and it is there, holding the interpreter lock, that one thread makes another wait.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache, partial

import numpy as np

from minunet.kernels.cpu.blas import small_matrix_kernels

Step = Callable[[], object]

# Up to 10^6 multiplications OpenBLAS's kernels for AVX-512 read the operands where they are, without repacking them:
# measured 95-105 GFLOP/s on blocks below, 75-88 just above, of a peak of 105.
SMALL = 1_000_000


@lru_cache
def largest_block() -> float:
    """Multiplications in one block of a product: `SMALL`, or any number where the BLAS repacks operands in any case.

    With the kernels for AVX2 a Winograd layer of 128 to 512 channels takes 1.1 to 1.3 times as long in blocks.
    """
    return SMALL if small_matrix_kernels() else math.inf


def transform(matrix: np.ndarray, rows: np.ndarray, out: np.ndarray) -> list[Step]:
    """Steps for out = matrix @ rows with a small matrix and long rows: (P, Q) @ (..., Q, L) -> (..., P, L)."""
    length = rows.shape[-1]
    parts = max(1, math.ceil(matrix.size * length / largest_block()))
    blocks = [slice(length * i // parts, length * (i + 1) // parts) for i in range(parts)]
    return [partial(np.matmul, matrix, rows[..., block], out[..., block]) for block in blocks]


# NumPy keeps the interpreter lock, and with it every other thread, through a product whose result has this many values
# or fewer, however long its sums are (version 2.4).
LOCKED = 500
SHORT = 64 * LOCKED  # multiplications that are over before another thread would have had the lock


def multiply(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> list[Step]:
    """Steps for out[...] = a[...] @ b[...] over all leading axes: (..., M, L) @ (..., L, N) -> (..., M, N)."""
    rows, length, columns = a.shape[-2], a.shape[-1], b.shape[-1]
    if length == 1:  # nothing to add up: an outer product is no work for a BLAS
        return [partial(np.multiply, a, b, out)]
    if 0 < out.size <= LOCKED and out.size * length > SHORT:
        return _multiply_in_parts(a, b, out)
    largest = largest_block()
    if rows * length * columns <= largest:
        return [partial(np.matmul, a, b, out)]
    width = columns
    while width > 64 and width * length * 56 > largest:
        width = -(-width // 2)
    height = int(largest // (width * length))
    if height < 24:
        return [partial(np.matmul, a, b, out)]
    parts = -(-rows // height)
    blocks = [slice(rows * i // parts, rows * (i + 1) // parts) for i in range(parts)]
    return [
        partial(np.matmul, a[..., block, :], b[..., j : j + width], out[..., block, j : j + width])
        for j in range(0, columns, width)
        for block in blocks
    ]


def _multiply_in_parts(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> list[Step]:
    """The same for a small result with long sums: as many parts of the sums side by side as free the interpreter lock."""
    (*lead, rows, length), columns = a.shape, b.shape[-1]
    parts = LOCKED // out.size + 1
    each = length // parts
    whole = parts * each
    # (..., M, parts * each) -> (..., parts, M, each), and (..., parts * each, N) -> (..., parts, each, N): views
    left = np.moveaxis(a[..., :whole].reshape(*lead, rows, parts, each), -2, -3)
    right = b[..., :whole, :].reshape(*b.shape[:-2], parts, each, columns)
    sums = np.empty((*out.shape[:-2], parts, rows, columns), out.dtype)
    steps: list[Step] = [partial(np.matmul, left, right, sums), partial(np.sum, sums, axis=-3, out=out)]
    if whole < length:
        rest = np.empty_like(out)
        steps += [partial(np.matmul, a[..., whole:], b[..., whole:, :], rest), partial(np.add, out, rest, out)]
    return steps


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
