"""Convolution to few channels, such as a U-Net's last layer: every tap's product first, then sums of shifted planes.

Windows would be written out at many times the size of the image to give one value each. Instead every pixel is multiplied
with the kernel's kh * kw * O columns where it lies, and output pixels pick up what their window's pixels have for them
("kn2row", Vasudevan, Anderson and Gregg 2017).
"""

from __future__ import annotations

import numpy as np

from minunet.kernels import primitives
from minunet.kernels.cpu import memory_pool
from minunet.kernels.cpu.matmul import multiply, multiply_cost, run
from minunet.kernels.cpu.numpy_arrays import on_cpu
from minunet.kernels.cpu.partition import Rows, deal, divide_rows
from minunet.kernels.cpu.scratch import Take, scratch
from minunet.kernels.cpu.threads import parallel

CHUNK = 1 << 19  # values of the input at a time; threads whose calls are short wait for each other
MOST_TAPS = 64  # kh * kw * O
PER_VALUE = 0.5  # nanoseconds to add one value of a plane
PER_CALL = 30_000.0


def _when(xs, weight, bias, stride, padding, activation) -> bool:
    taps = weight.shape[0] * weight.shape[1] * weight.shape[3]
    return tuple(stride) == (1, 1) and taps <= MOST_TAPS and xs[0].size > 0 and on_cpu(*xs, weight, bias)


def _cost(xs, weight, bias, stride, padding, activation) -> float:
    kh, kw, c, o = weight.shape
    pixels = xs[0].size // xs[0].shape[3]
    return PER_CALL + PER_VALUE * pixels * kh * kw * o + multiply_cost(pixels, c, kh * kw * o)


@primitives.conv2d.register(
    "kn2row", when=_when, cost=_cost, why="few outputs: products at every tap, then shifted sums"
)
def conv2d(xs, weight, bias, stride, padding, activation):
    """See `primitives.conv2d`."""
    xs = [np.ascontiguousarray(x) for x in xs]
    kh, kw, c, o = weight.shape
    (top, _), (left, _) = padding
    images, height, width, _ = xs[0].shape
    out_h, out_w = primitives.out_size((height, width), (kh, kw), stride, padding)
    kernel = np.ascontiguousarray(weight.transpose(2, 0, 1, 3)).reshape(c, -1)  # (C, kh * kw * O)
    y = memory_pool.empty((images, out_h, out_w, o), weight.dtype)

    def job(blocks: list[Rows]) -> None:
        for block in blocks:
            first, last = max(0, block.first - top), min(height, block.last - top + kh - 1)
            part = y[block.images, block.first : block.last]
            with scratch() as take:
                shape = (o, *part.shape[:3])
                # One plane per output, whose rows are longer runs than a pixel's outputs.
                sums = part.reshape(shape) if o == 1 else take(shape, y.dtype)
                sums[...] = 0 if bias is None else bias[:, None, None, None]
                if last > first:
                    planes = _planes(take, [x[block.images, first:last] for x in xs], kernel)
                    # (kh * kw * O, pixels) -> (kh, kw, O, N, rows, W)
                    planes = planes.reshape(kh, kw, o, len(part), last - first, width)
                    _add_shifted(planes, sums, first - (block.first - top), left)
                if activation == "relu":
                    np.maximum(sums, 0, out=sums)
                if o > 1:
                    np.copyto(part, sums.transpose(1, 2, 3, 0))

    parallel(job, deal(divide_rows(images, out_h, width * c, CHUNK)))
    return y


def _planes(take: Take, sources: list[np.ndarray], kernel: np.ndarray) -> np.ndarray:
    """Every pixel's products with every tap, one plane per tap: (taps, pixels), the transpose of (pixels, C) @ (C, taps)."""
    planes, channel = None, 0
    for source in sources:
        pixels = source.reshape(-1, source.shape[3])
        new = take((kernel.shape[1], len(pixels)), kernel.dtype)
        # Asked for this way round, the product is twice as fast as (taps, C) @ (C, pixels).
        run(multiply(pixels[None], kernel[None, channel : channel + source.shape[3]], new.T[None]))
        planes = new if planes is None else np.add(planes, new, out=planes)
        channel += source.shape[3]
    return planes


def _add_shifted(planes: np.ndarray, sums: np.ndarray, above: int, left: int) -> None:
    """sums[o, n, h, w] += sum over i, j of planes[i, j, o, n, h + i - above, w + j - left], where these pixels exist."""
    kh, kw, _, _, rows, width = planes.shape
    for i in range(kh):
        row = slice(max(0, above - i), min(sums.shape[2], rows + above - i))
        for j in range(kw):
            column = slice(max(0, left - j), min(sums.shape[3], width + left - j))
            if row.stop <= row.start or column.stop <= column.start:
                continue
            seen_rows = slice(row.start + i - above, row.stop + i - above)
            seen_columns = slice(column.start + j - left, column.stop + j - left)
            sums[:, :, row, column] += planes[i, j, :, :, seen_rows, seen_columns]
