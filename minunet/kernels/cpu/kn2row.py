"""Convolution to few channels, such as a U-Net's last layer: products at every offset inside the window, then shifted sums.

A window matrix would have many times the size of the image, for one value per window. Instead every pixel is multiplied in
place with all kh * kw * O weights of its channels. The products are planes, one for each weight, and an output pixel is the
sum of one value of each plane, shifted by the offset ("kn2row", Vasudevan, Anderson and Gregg 2017).
"""

from __future__ import annotations

import numpy as np

from minunet.kernels import primitives
from minunet.kernels.cpu import memory_pool
from minunet.kernels.cpu.array_types import Arrays, are_numpy_floats
from minunet.kernels.cpu.matmul import matmul, matmul_cost
from minunet.kernels.cpu.partition import RowBlock, parallel_blocks, row_blocks
from minunet.kernels.cpu.scratch import Allocate
from minunet.kernels.primitives.windows import IntPair, Padding

VALUES_PER_BLOCK = 1 << 19  # of the input; threads whose calls are short wait for each other
MAX_PLANES = 64  # kh * kw * O

# Nanoseconds of one core.
PER_PLANE_VALUE = 0.5  # to add it
PER_CALL = 30_000.0


def _applies(xs: Arrays, weight: np.ndarray, bias: np.ndarray | None, stride: IntPair, *_: object) -> bool:
    planes = weight.shape[0] * weight.shape[1] * weight.shape[3]
    few = tuple(stride) == (1, 1) and planes <= MAX_PLANES
    return few and xs[0].size > 0 and are_numpy_floats(*xs, weight, bias)


def _cost(xs: Arrays, weight: np.ndarray, *_: object) -> float:
    kh, kw, c, o = weight.shape
    pixels = xs[0].size // xs[0].shape[3]
    return PER_CALL + PER_PLANE_VALUE * pixels * kh * kw * o + matmul_cost(pixels, c, kh * kw * o)


@primitives.conv2d.register(
    "kn2row", when=_applies, cost=_cost, why="few outputs: products at every offset, then shifted sums"
)
def conv2d(
    xs: Arrays, weight: np.ndarray, bias: np.ndarray | None, stride: IntPair, padding: Padding, activation: str | None
) -> np.ndarray:
    """See `primitives.conv2d`."""
    xs = [np.ascontiguousarray(x) for x in xs]
    kh, kw, c, o = weight.shape
    (top, _), (left, _) = padding
    images, height, width, _ = xs[0].shape
    out_h, out_w = primitives.out_size((height, width), (kh, kw), stride, padding)
    kernel = np.ascontiguousarray(weight.transpose(2, 0, 1, 3)).reshape(c, -1)  # (C, kh * kw * O)
    y = memory_pool.empty((images, out_h, out_w, o), weight.dtype)

    def work(allocate: Allocate, block: RowBlock) -> None:
        # The rows of the input that the windows of the block meet.
        first = max(0, block.rows.start - top)
        last = min(height, block.rows.stop - top + kh - 1)
        outputs = y[block.index]
        shape = (o, *outputs.shape[:3])
        # One plane for each output channel: its rows are longer than the outputs of one pixel.
        sums = outputs.reshape(shape) if o == 1 else allocate(shape, y.dtype)
        sums[...] = 0 if bias is None else bias[:, None, None, None]
        if last > first:
            planes = _product_planes(allocate, [x[block.images, first:last] for x in xs], kernel)
            # (kh * kw * O, pixels) -> (kh, kw, O, N, rows, W)
            planes = planes.reshape(kh, kw, o, len(outputs), last - first, width)
            _add_shifted(planes, sums, first - (block.rows.start - top), left)
        if activation == "relu":
            np.maximum(sums, 0, out=sums)
        if o > 1:
            np.copyto(outputs, sums.transpose(1, 2, 3, 0))

    parallel_blocks(work, row_blocks(images, out_h, width * c, VALUES_PER_BLOCK))
    return y


def _product_planes(allocate: Allocate, sources: Arrays, kernel: np.ndarray) -> np.ndarray:
    """Products of all pixels with all weights, one plane each: (planes, pixels), transposed (pixels, C) @ (C, planes)."""
    sums: np.ndarray | None = None
    channel = 0
    for source in sources:
        pixels = source.reshape(-1, source.shape[3])
        planes = allocate((kernel.shape[1], len(pixels)), kernel.dtype)
        # Computed in this order, the product is twice as fast as (planes, C) @ (C, pixels).
        matmul(pixels[None], kernel[None, channel : channel + source.shape[3]], planes.T[None])
        sums = planes if sums is None else np.add(sums, planes, out=sums)
        channel += source.shape[3]
    assert sums is not None  # a convolution has at least one source
    return sums


def _add_shifted(planes: np.ndarray, sums: np.ndarray, above: int, left: int) -> None:
    """sums[o, n, h, w] += sum over i, j of planes[i, j, o, n, h + i - above, w + j - left], where these pixels exist."""
    kh, kw, _, _, rows, width = planes.shape
    for i in range(kh):
        row = slice(max(0, above - i), min(sums.shape[2], rows + above - i))
        for j in range(kw):
            column = slice(max(0, left - j), min(sums.shape[3], width + left - j))
            if row.stop <= row.start or column.stop <= column.start:
                continue
            plane_rows = slice(row.start + i - above, row.stop + i - above)
            plane_columns = slice(column.start + j - left, column.stop + j - left)
            sums[:, :, row, column] += planes[i, j, :, :, plane_rows, plane_columns]
