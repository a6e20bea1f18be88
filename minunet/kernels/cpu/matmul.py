"""Matrix products in blocks of the size that the BLAS multiplies fastest, done at once or recorded to be replayed.

A recorded call is a function without arguments that works on fixed buffers. What every block of an image repeats is
recorded once: the interpreter then has little to do between two calls, and while it does it, holding the interpreter
lock (GIL), the other threads wait.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any, TypeAlias

import numpy as np

from minunet.kernels.cpu.blas import small_matrix_kernels
from minunet.kernels.cpu.recorder import do, is_recording

RecordedCall: TypeAlias = "partial[Any]"

# Multiplications of a product up to which OpenBLAS's kernels for AVX-512 read the operands in place, without repacking
# them: measured 95-105 GFLOP/s on blocks below, 75-88 just above, of a peak of 105.
MAX_IN_PLACE = 1_000_000


@lru_cache
def max_block() -> float:
    """Multiplications in one block of a product: `MAX_IN_PLACE`, or no limit where the BLAS always repacks operands.

    With the kernels for AVX2 a Winograd layer of 128 to 512 channels takes 1.1 to 1.3 times as long in blocks.
    """
    return MAX_IN_PLACE if small_matrix_kernels() else math.inf


def record_transform(matrix: np.ndarray, rows: np.ndarray, out: np.ndarray) -> list[RecordedCall]:
    """Calls for out = matrix @ rows with a small matrix and long rows: (P, Q) @ (..., Q, L) -> (..., P, L)."""
    length = rows.shape[-1]
    count = math.ceil(matrix.size * length / max_block())
    if count <= 1:
        return [partial(np.matmul, matrix, rows, out)]
    return [
        # (P, Q) @ (..., blocks, Q, L / blocks) -> (..., blocks, P, L / blocks)
        partial(np.matmul, matrix, _stack(rows, -1, part, size), _stack(out, -1, part, size))
        for part, size in _equal_blocks(length, count)
    ]


def _equal_blocks(total: int, count: int) -> list[tuple[slice, int]]:
    """Cut range(total) into `count` blocks of two sizes at most, as [(all blocks of a size, this size), ...]."""
    size, larger = divmod(total, count)
    split = larger * (size + 1)
    return [
        (part, n) for part, n in ((slice(0, split), size + 1), (slice(split, total), size)) if part.start < part.stop
    ]


def _stack(array: np.ndarray, axis: int, part: slice, size: int) -> np.ndarray:
    """Blocks of `size` rows (axis -2) or columns (axis -1) of a part of the matrices as a stack of smaller ones, a view.

    NumPy multiplies a stack in one call, in which it does not need the interpreter.
    """
    some = array[..., part] if axis == -1 else array[..., part, :]
    *lead, rows, columns = some.shape
    if axis == -1:
        return some.reshape(*lead, rows, columns // size, size).swapaxes(-2, -3)
    return some.reshape(*lead, rows // size, size, columns)


# NumPy holds the GIL, and so stops every other thread, through a product whose result has this many values or fewer,
# however long its sums are (version 2.4).
MAX_VALUES_WITH_GIL = 500
MAX_WORK_WITH_GIL = 64 * MAX_VALUES_WITH_GIL  # multiplications: a shorter product ends before another thread could run


def record_matmul(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> list[RecordedCall]:
    """Calls for out[...] = a[...] @ b[...] over all leading axes: (..., M, L) @ (..., L, N) -> (..., M, N)."""
    rows, length, columns = a.shape[-2], a.shape[-1], b.shape[-1]
    if length == 1:  # an outer product has no sums, and needs no BLAS
        return [partial(np.multiply, a, b, out)]
    if 0 < out.size <= MAX_VALUES_WITH_GIL and out.size * length > MAX_WORK_WITH_GIL:
        return _record_with_split_sums(a, b, out)
    largest = max_block()
    if rows * length * columns <= largest:
        return [partial(np.matmul, a, b, out)]
    width = columns
    while width > 64 and width * length * 56 > largest:
        width = -(-width // 2)
    height = int(largest // (width * length))
    if height < 24:
        return [partial(np.matmul, a, b, out)]
    blocks = _equal_blocks(rows, -(-rows // height))
    return [
        # (..., blocks, rows of a block, L) @ (..., 1, L, width) -> (..., blocks, rows of a block, width)
        partial(
            np.matmul,
            _stack(a, -2, part, size),
            b[..., None, :, j : j + width],
            _stack(out[..., j : j + width], -2, part, size),
        )
        for j in range(0, columns, width)
        for part, size in blocks
    ]


def _record_with_split_sums(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> list[RecordedCall]:
    """The same for a small result with long sums: the sums in enough parts for a result that NumPy frees the GIL for."""
    (*lead, rows, length), columns = a.shape, b.shape[-1]
    parts = MAX_VALUES_WITH_GIL // out.size + 1
    part_length = length // parts
    whole = parts * part_length
    # (..., M, parts * part_length) -> (..., parts, M, part_length), and
    # (..., parts * part_length, N) -> (..., parts, part_length, N): views
    left = np.moveaxis(a[..., :whole].reshape(*lead, rows, parts, part_length), -2, -3)
    right = b[..., :whole, :].reshape(*b.shape[:-2], parts, part_length, columns)
    sums = np.empty((*out.shape[:-2], parts, rows, columns), out.dtype)
    calls: list[RecordedCall] = [partial(np.matmul, left, right, sums), partial(np.add.reduce, sums, -3, None, out)]
    if whole < length:
        rest = np.empty_like(out)
        calls += [partial(np.matmul, a[..., whole:], b[..., whole:, :], rest), partial(np.add, out, rest, out)]
    return calls


def replay(calls: Sequence[RecordedCall]) -> None:
    """Make the recorded calls in their order."""
    if is_recording():
        for call in calls:
            do(call.func, *call.args)
        return
    for call in calls:
        call()


def matmul(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """out[...] = a[...] @ b[...] at once, see `record_matmul`."""
    replay(record_matmul(a, b, out))


def matmul_cost(rows: int, length: int, columns: int) -> float:
    """Estimated nanoseconds of one core for (rows, length) @ (length, columns) in float32.

    0.02 ns per multiplication and addition is 100 GFLOP/s. The BLAS computes 16 columns at a time, and every value of
    the operands and the result has to be read or written.
    """
    padded = -(-columns // 16) * 16
    return 0.02 * rows * length * padded + 0.1 * (rows * length + rows * columns + length * columns)
