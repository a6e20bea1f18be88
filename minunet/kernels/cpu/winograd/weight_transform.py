"""The ways between a 3x3 kernel and its points: G g G^T for every pair of channels, and the transpose for its gradient.

Like images, kernels go a band of rows of points at a time.
"""

from __future__ import annotations

import numpy as np

from minunet.kernels.cpu import memory_pool
from minunet.kernels.cpu.matmul import Step, run, transform
from minunet.kernels.cpu.partition import even_parts
from minunet.kernels.cpu.scratch import Take, scratch
from minunet.kernels.cpu.strided_copy import copy_runs
from minunet.kernels.cpu.threads import parallel
from minunet.kernels.cpu.winograd.matrices import KERNEL, Transforms

PAIRS_PER_JOB = 16384  # of channels: rows long enough for the transforms, and few enough for the cache


def weight_points(matrix: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """All points of a kernel: (3, 3, C, O) -> (n, n, C, O)."""
    c, o = weight.shape[2:]
    points = memory_pool.empty((len(matrix), len(matrix), c, o), weight.dtype)

    def job(part: tuple[int, int]) -> None:
        block = slice(part[0], sum(part))
        with scratch() as take:
            run(WeightPoints(take, matrix, weight[:, :, block]).band_steps(slice(None), points[:, :, block]))

    parallel(job, even_parts(c, PAIRS_PER_JOB // o))
    return points


class WeightPoints:
    """G g G^T for every pair of channels of a kernel (3, 3, C, O), a band of rows of points at a time."""

    def __init__(self, take: Take, matrix: np.ndarray, weight: np.ndarray):
        pairs = weight.shape[2] * weight.shape[3]
        self._matrix = matrix
        if not weight.flags.c_contiguous:
            copied = take(weight.shape, weight.dtype)
            copy_runs(copied, weight)
            weight = copied
        self._half = take((len(matrix), KERNEL, pairs), weight.dtype)
        # (n, 3) @ (across, down, C * O) -> (across, n, C * O), kept as (n, across, C * O)
        across_first = weight.reshape(KERNEL, KERNEL, pairs).transpose(1, 0, 2)
        run(transform(matrix, across_first, self._half.transpose(1, 0, 2)))

    def band_steps(self, rows: slice, out: np.ndarray) -> list[Step]:
        """Steps that fill `out`, (band, n, C, O), with some rows of the points."""
        # (n, 3) @ (band, 3 across, C * O) -> (band, n, C * O)
        return transform(self._matrix, self._half[rows], out.reshape(*out.shape[:2], -1))


class WeightGradient:
    """The way back from the points for the gradient of a kernel (3, 3, C, O): the transpose of `WeightPoints`."""

    def __init__(self, take: Take, t: Transforms, pairs: int):
        self._matrix = t.weight_grad
        self._half = take((KERNEL, t.n, pairs), t.weight_grad.dtype)
        self._whole = take((KERNEL, KERNEL, pairs), t.weight_grad.dtype)

    def band_steps(self, rows: slice, sums: np.ndarray) -> list[Step]:
        """The horizontal half for some rows of points: (3, n) @ (band, n, C * O) -> (band, 3, C * O)."""
        return transform(self._matrix, sums.reshape(*sums.shape[:2], -1), self._half[:, rows].transpose(1, 0, 2))

    def finish(self, out: np.ndarray) -> None:
        """The vertical half: (3, n) @ (3 across, n, C * O) -> (3 across, 3 down, C * O), to `out` (3, 3, C, O)."""
        run(transform(self._matrix, self._half, self._whole))
        np.copyto(out, self._whole.transpose(1, 0, 2).reshape(out.shape))
