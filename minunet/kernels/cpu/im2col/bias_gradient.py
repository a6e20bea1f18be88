"""The gradient of the bias: the sum of the output's gradient over all pixels, block by block."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minunet.kernels.cpu.epilogue import add_row_sums, masked_gradient
from minunet.kernels.cpu.im2col.window_matrix import window_blocks
from minunet.kernels.cpu.partition import RowBlock, group_into_jobs, sum_in_order
from minunet.kernels.cpu.recorder import clear, result_array
from minunet.kernels.cpu.scratch import Allocate, scratch
from minunet.kernels.cpu.threads import parallel


def masked_block(allocate: Allocate, grad_output: np.ndarray, output: np.ndarray | None, block: RowBlock) -> np.ndarray:
    return masked_gradient(allocate, grad_output[block.index], None if output is None else output[block.index])


def bias_gradient(grad_output: np.ndarray, output: np.ndarray | None) -> np.ndarray:
    """The sum of the gradient over all pixels, block by block: (N, H, W, O) -> (O,)."""
    images, height, width, o = grad_output.shape

    def job(blocks: Sequence[RowBlock]) -> np.ndarray:
        total = result_array((o,), grad_output.dtype)
        clear(total)
        for block in blocks:
            with scratch() as allocate:
                add_row_sums(total, masked_block(allocate, grad_output, output, block))
        return total

    return sum_in_order(parallel(job, group_into_jobs(window_blocks(images, height, width * o))))
