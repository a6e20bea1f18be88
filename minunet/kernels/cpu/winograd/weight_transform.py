"""The transform of a 3x3 kernel to its points, G g G^T for every pair of channels, and the transposed one for its gradient.

As for images, it is done for a band of points at a time.
"""

from __future__ import annotations

import numpy as np

from minunet.kernels.cpu.matmul import RecordedCall, record_transform, replay
from minunet.kernels.cpu.partition import even_slices
from minunet.kernels.cpu.recorder import do, temporary
from minunet.kernels.cpu.scratch import Allocate, scratch
from minunet.kernels.cpu.strided_copy import copy_strided
from minunet.kernels.cpu.threads import parallel
from minunet.kernels.cpu.winograd.matrices import KERNEL_SIZE, WinogradMatrices

PAIRS_PER_JOB = 16384  # of channels: rows long enough for the transforms, and few enough for the cache


def transform_weight(matrix: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """All points of a kernel, with G or G for a reversed kernel as `matrix`: (3, 3, C, O) -> (n, n, C, O)."""
    c, o = weight.shape[2:]
    points = temporary((len(matrix), len(matrix), c, o), weight.dtype)

    def job(block: slice) -> None:
        with scratch() as allocate:
            transform = WeightTransform(allocate, matrix, weight[:, :, block])
            replay(transform.record_band(slice(None), points[:, :, block]))

    parallel(job, even_slices(c, PAIRS_PER_JOB // o))
    return points


class WeightTransform:
    """G g G^T for every pair of channels of a kernel (3, 3, C, O), a band of points at a time."""

    def __init__(self, allocate: Allocate, matrix: np.ndarray, weight: np.ndarray):
        pairs = weight.shape[2] * weight.shape[3]
        self._matrix = matrix
        if not weight.flags.c_contiguous:
            copied = allocate(weight.shape, weight.dtype)
            copy_strided(copied, weight)
            weight = copied
        self._half = allocate((len(matrix), KERNEL_SIZE, pairs), weight.dtype)
        # (n, 3) @ (across, down, C * O) -> (across, n, C * O), stored as (n, across, C * O)
        across_first = weight.reshape(KERNEL_SIZE, KERNEL_SIZE, pairs).transpose(1, 0, 2)
        replay(record_transform(matrix, across_first, self._half.transpose(1, 0, 2)))

    def record_band(self, rows: slice, out: np.ndarray) -> list[RecordedCall]:
        """Calls that write a band of points to `out`, (band, n, C, O)."""
        # (n, 3) @ (band, 3 across, C * O) -> (band, n, C * O)
        return record_transform(self._matrix, self._half[rows], out.reshape(*out.shape[:2], -1))


class WeightGradTransform:
    """From sums of products at the points to the gradient of a kernel (3, 3, C, O): the transpose of `WeightTransform`."""

    def __init__(self, allocate: Allocate, matrices: WinogradMatrices, pairs: int):
        self._matrix = matrices.weight_grad
        self._half = allocate((KERNEL_SIZE, matrices.n, pairs), self._matrix.dtype)
        self._whole = allocate((KERNEL_SIZE, KERNEL_SIZE, pairs), self._matrix.dtype)

    def record_band(self, rows: slice, sums: np.ndarray) -> list[RecordedCall]:
        """Calls that transform the rows of a band of points: (3, n) @ (band, n, C * O) -> (band, 3, C * O)."""
        return record_transform(self._matrix, sums.reshape(*sums.shape[:2], -1), self._half[:, rows].transpose(1, 0, 2))

    def finish(self, out: np.ndarray) -> None:
        """Transform the columns to `out` (3, 3, C, O): (3, n) @ (3 across, n, C * O) -> (3 across, 3 down, C * O)."""
        replay(record_transform(self._matrix, self._half, self._whole))
        do(np.copyto, out, self._whole.transpose(1, 0, 2).reshape(out.shape))
