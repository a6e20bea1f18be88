"""Up-convolution whose kernel size equals its stride: one matrix product, then a pixel shuffle.

Every pixel then writes a patch of kh x kw output pixels of its own, as in a sub-pixel convolution (Shi et al. 2016): its C
channels times a matrix (C, kh * kw * O) are the patch. Row i of the patches of a row of pixels is one row of the output,
so that patches are copied kw * O values at a time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minunet.kernels import primitives
from minunet.kernels.cpu.array_types import UpGrads, are_numpy_floats
from minunet.kernels.cpu.epilogue import add_bias, add_row_sums, bias_row
from minunet.kernels.cpu.matmul import matmul, matmul_cost
from minunet.kernels.cpu.partition import (
    RowBlock,
    even_slices,
    group_into_jobs,
    parallel_blocks,
    row_blocks,
    sum_in_order,
)
from minunet.kernels.cpu.recorder import clear, do, result_array, temporary
from minunet.kernels.cpu.recording import recorded
from minunet.kernels.cpu.scratch import Allocate, scratch
from minunet.kernels.cpu.strided_copy import copy_strided
from minunet.kernels.cpu.threads import parallel
from minunet.kernels.primitives.conv import UpNeeds
from minunet.kernels.primitives.windows import IntPair

VALUES_PER_BLOCK = 1 << 19  # of patches; threads whose calls are short wait for each other
CHANNELS_PER_JOB = 64
MAX_KERNEL_BY_ROWS = 128 * 512  # values; a larger gradient of the weight is not kept once per job, but made by channels
MAX_TRANSPOSED = 640  # columns; the BLAS packs longer products, and is then as fast with a transposed kernel

# Nanoseconds of one core.
PER_PATCH_VALUE = 0.3  # to copy it
PER_CALL = 30_000.0

_WHY = "kernel equals stride: one matrix product, then a pixel shuffle"


def _kernel_equals_stride(x: np.ndarray, weight: np.ndarray, stride: IntPair, padding: IntPair) -> bool:
    return weight.shape[:2] == tuple(stride) and tuple(padding) == (0, 0) and x.size > 0


def _applies(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, stride: IntPair, padding: IntPair) -> bool:
    return are_numpy_floats(x, weight, bias) and _kernel_equals_stride(x, weight, stride, padding)


def _cost(x: np.ndarray, weight: np.ndarray, *_: object) -> float:
    c, patch = weight.shape[2], weight[:, :, 0].size
    pixels = x.size // c
    return PER_CALL + PER_PATCH_VALUE * pixels * patch + matmul_cost(pixels, c, patch)


@primitives.conv_transpose2d.register("subpixel", when=_applies, cost=_cost, why=_WHY)
@recorded(_cost)
def conv_transpose2d(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, stride: IntPair, padding: IntPair
) -> np.ndarray:
    """See `primitives.conv_transpose2d`."""
    x = np.ascontiguousarray(x)
    images, height, width, c = x.shape
    kh, kw, _, o = weight.shape
    kernel = _patch_kernel(weight)
    y = result_array((images, height * kh, width * kw, o), x.dtype)
    y_rows = y.reshape(images, height, kh, width, kw * o)
    patch_bias = bias_row(bias, width * kh * kw)

    def work(allocate: Allocate, block: RowBlock) -> None:
        pixels = x[block.index].reshape(1, -1, c)
        patches = allocate((1, pixels.shape[1], kh * kw * o), x.dtype)
        matmul(pixels, kernel[None], patches)
        add_bias(patches, patch_bias)
        target = y_rows[block.index]
        # (N, rows, W, kh, kw * O) -> (N, rows, kh, W, kw * O)
        copy_strided(target, patches.reshape(*target.shape[:2], width, kh, kw * o).transpose(0, 1, 3, 2, 4))

    parallel_blocks(work, row_blocks(images, height, width * kh * kw * o, VALUES_PER_BLOCK))
    return y


def _patch_kernel(weight: np.ndarray) -> np.ndarray:
    """(kh, kw, C, O) -> (C, kh * kw * O): the patch of each input channel as one row."""
    kh, kw, c, o = weight.shape
    kernel = temporary((c, kh, kw, o), weight.dtype)
    do(np.copyto, kernel, weight.transpose(2, 0, 1, 3))
    return kernel.reshape(c, -1)


def _grads_applies(
    grad_output: np.ndarray, x: np.ndarray, weight: np.ndarray, stride: IntPair, padding: IntPair, *_: object
) -> bool:
    return are_numpy_floats(grad_output, x, weight) and _kernel_equals_stride(x, weight, stride, padding)


def _grads_cost(
    grad_output: np.ndarray, x: np.ndarray, weight: np.ndarray, stride: IntPair, padding: IntPair, needs: UpNeeds
) -> float:
    return _cost(x, weight) * (1 + needs[1])


@primitives.conv_transpose2d_grads.register("subpixel", when=_grads_applies, cost=_grads_cost, why=_WHY)
@recorded(_grads_cost)
def conv_transpose2d_grads(
    grad_output: np.ndarray, x: np.ndarray, weight: np.ndarray, stride: IntPair, padding: IntPair, needs: UpNeeds
) -> UpGrads:
    """See `primitives.conv_transpose2d_grads`."""
    needs_x, needs_weight, needs_bias = needs
    x, grad_output = np.ascontiguousarray(x), np.ascontiguousarray(grad_output)
    images, height, width, c = x.shape
    kh, kw, _, o = weight.shape
    patch = kh * kw * o
    if patch <= MAX_TRANSPOSED:
        kernel = temporary((patch, c), weight.dtype)
        do(np.copyto, kernel.reshape(kh, kw, o, c), weight.transpose(0, 1, 3, 2))
    else:
        kernel = _patch_kernel(weight).T  # (kh * kw * O, C)
    grad_rows = grad_output.reshape(images, height, kh, width, kw * o)
    grad_x = result_array(x.shape, x.dtype) if needs_x else None
    by_channels = needs_weight and c * patch > MAX_KERNEL_BY_ROWS
    # Where the weight's gradient is made by channels, all patches are kept: each block of channels needs them.
    all_patches = temporary((images, height, width, patch), x.dtype) if by_channels else None

    def job(blocks: Sequence[RowBlock]) -> tuple[np.ndarray | None, np.ndarray]:
        grad_kernel = None
        if needs_weight and not by_channels:
            grad_kernel = temporary((c, patch), x.dtype)
            clear(grad_kernel)
        grad_bias = temporary((patch,), x.dtype)
        clear(grad_bias)
        for block in blocks:
            with scratch() as allocate:
                patch_rows = grad_rows[block.index].transpose(0, 1, 3, 2, 4)  # (N, rows, W, kh, kw * O)
                if all_patches is None:
                    patches = allocate(patch_rows.shape, x.dtype)
                else:
                    patches = all_patches[block.index].reshape(patch_rows.shape)
                copy_strided(patches, patch_rows)
                patches = patches.reshape(1, -1, patch)
                if grad_x is not None:
                    matmul(patches, kernel[None], grad_x[block.index].reshape(1, -1, c))
                if grad_kernel is not None:
                    pixels = x[block.index].reshape(1, -1, c)
                    product = allocate((1, c, patch), x.dtype)
                    matmul(pixels.transpose(0, 2, 1), patches, product)  # (C, pixels) @ (pixels, patch)
                    do(np.add, grad_kernel, product[0], grad_kernel)
                if needs_bias:
                    add_row_sums(grad_bias, patches[0])
        return grad_kernel, grad_bias

    parts = parallel(job, group_into_jobs(row_blocks(images, height, width * patch, VALUES_PER_BLOCK)))
    grad_weight = grad_bias = None
    if needs_weight:
        if all_patches is None:
            grad_kernel = sum_in_order([part[0] for part in parts])
        else:
            grad_kernel = _transposed_product_by_channels(x.reshape(-1, c), all_patches.reshape(-1, patch))
        # (C, kh * kw * O) -> (kh, kw, C, O)
        grad_weight = result_array(weight.shape, weight.dtype)
        do(np.copyto, grad_weight, grad_kernel.reshape(c, kh, kw, o).transpose(1, 2, 0, 3))
    if needs_bias:
        grad_bias = result_array((o,), x.dtype)
        do(np.add.reduce, sum_in_order([part[1] for part in parts]).reshape(kh * kw, o), 0, None, grad_bias)
    return grad_x, grad_weight, grad_bias


def _transposed_product_by_channels(pixels: np.ndarray, patches: np.ndarray) -> np.ndarray:
    """(pixels, C)^T @ (pixels, patch), a block of channels at a time on all threads: (C, patch)."""
    product = temporary((pixels.shape[1], patches.shape[1]), pixels.dtype)

    def job(channels: slice) -> None:
        matmul(pixels[:, channels].T[None], patches[None], product[None, channels])

    parallel(job, even_slices(pixels.shape[1], CHANNELS_PER_JOB))
    return product
