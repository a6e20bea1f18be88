"""Estimated cost of Winograd's convolution in nanoseconds of one core, from shapes only.

The constants were measured on Zen 4 and Zen 3 cores; only their proportion to those of the other algorithms matters.
"""

from __future__ import annotations

from typing import NamedTuple

from minunet.kernels.cpu.array_types import Array, Arrays
from minunet.kernels.cpu.blas import small_matrix_kernels
from minunet.kernels.cpu.matmul import matmul_cost
from minunet.kernels.cpu.winograd import block_sizes
from minunet.kernels.primitives.conv import Needs
from minunet.kernels.primitives.windows import IntPair, Padding, out_size


class WinogradRates(NamedTuple):
    """The rates that depend on how the BLAS multiplies small matrices: a transform is a product with a matrix of n rows.

    Attributes
    ----------
    value : float
        For a value that a transform writes, in one dimension.
    sorted_value : float
        The same in two dimensions, where pixels are sorted by tiles before and after.
    """

    value: float
    sorted_value: float


# A BLAS that packs the operands of every product makes the small transforms between the large products slower.
IN_PLACE = WinogradRates(value=0.3, sorted_value=0.45)
PACKED = WinogradRates(value=0.4, sorted_value=0.8)

PER_POINT = 0.3  # for a value of the kernel at a point, in two dimensions
PER_WEIGHT = 1.0  # for the same in one dimension: computed once, read by every strip, added up for a gradient
PER_GRADIENT = 0.7  # for a value of the output's gradient: the mask of the ReLU, the sum for the bias
PER_BLOCK = 50_000.0  # for the part of a block's time that does not depend on its size
PER_CALL = 120_000.0  # to prepare buffers and wake the threads
BACKWARD_PRODUCTS = 1.2  # factor: the products of the two gradients evict each other's operands from the cache
ROUNDING_PENALTY = {
    4: 1.0,
    6: 1.1,
}  # factor: larger tiles have three times the rounding error, and must save enough time for that


def rates() -> WinogradRates:
    """The rates for the BLAS of this process."""
    return IN_PLACE if small_matrix_kernels() else PACKED


def forward_cost(
    m: int, xs: Arrays, weight: Array, bias: Array | None, stride: IntPair, padding: Padding, activation: str | None
) -> float:
    """`conv2d` in two dimensions."""
    images, size, c, o = _forward_sizes(xs, weight, stride, padding)
    n, tiles = m + 2, block_sizes.tile_count(m, images, size)
    windows, outputs, kernel = n * m + n * n, n * m + m * m, 3 * n + n * n  # values that the transforms write
    cost = PER_CALL + PER_BLOCK * _blocks(m, images, size, max(c, o)) + n * n * matmul_cost(tiles, c, o)
    cost += rates().sorted_value * tiles * (c * windows + o * outputs)
    return ROUNDING_PENALTY[m] * (cost + PER_POINT * c * o * kernel)


def backward_cost(
    m: int,
    grad_output: Array,
    xs: Arrays,
    weight: Array,
    output: Array | None,
    stride: IntPair,
    padding: Padding,
    needs: Needs,
) -> float:
    """`conv2d_grads` in two dimensions."""
    images, size, c, o = _backward_sizes(xs, weight)
    needs_x, needs_weight = any(needs[0]), needs[1]
    n, tiles = m + 2, block_sizes.tile_count(m, images, size)
    windows, outputs, x_tiles, kernel = n * m + n * n, n * m + m * m, n * m + n * n, 3 * n + n * n
    values = tiles * o * windows
    cost = PER_CALL + PER_BLOCK * _blocks(m, images, size, max(c, o)) + PER_GRADIENT * images * size[0] * size[1] * o
    if needs_x:
        values += tiles * c * outputs
        cost += n * n * matmul_cost(tiles, o, c) + PER_POINT * c * o * kernel
    if needs_weight:
        values += tiles * c * x_tiles
        cost += n * n * matmul_cost(tiles, c, o) + PER_POINT * c * o * kernel
        cost += PER_CALL + PER_BLOCK * _blocks(m, images, size, max(c, o))
    return ROUNDING_PENALTY[m] * (cost + rates().sorted_value * values)


def strips_forward_cost(
    m: int, xs: Arrays, weight: Array, bias: Array | None, stride: IntPair, padding: Padding, activation: str | None
) -> float:
    """`conv2d` in one dimension."""
    images, size, c, o = _forward_sizes(xs, weight, stride, padding)
    n, pixels = m + 2, images * -(-size[0] // m) * size[1]  # pixels at each point
    cost = PER_CALL + _strips_cost(m, images, size, c, o, block_sizes.VALUES_PER_STRIP, 1)
    cost += n * matmul_cost(pixels, 3 * c, o)
    return cost + rates().value * pixels * (n * c + m * o)


def strips_backward_cost(
    m: int,
    grad_output: Array,
    xs: Arrays,
    weight: Array,
    output: Array | None,
    stride: IntPair,
    padding: Padding,
    needs: Needs,
) -> float:
    """`conv2d_grads` in one dimension."""
    images, size, c, o = _backward_sizes(xs, weight)
    needs_x, needs_weight = any(needs[0]), needs[1]
    n, pixels = m + 2, images * -(-size[0] // m) * size[1]
    cost = PER_CALL + PER_GRADIENT * images * size[0] * size[1] * o
    cost += rates().value * pixels * n * o
    cost += _strips_cost(m, images, size, c, o, block_sizes.VALUES_PER_GRAD_STRIP, needs_x + 3 * needs_weight)
    if needs_x:
        cost += BACKWARD_PRODUCTS * n * matmul_cost(pixels, 3 * o, c) + rates().value * pixels * m * c
    if needs_weight:
        cost += BACKWARD_PRODUCTS * n * matmul_cost(c, pixels, 3 * o) + rates().value * pixels * n * c
    return cost


def _strips_cost(m: int, images: int, size: IntPair, c: int, o: int, values_per_strip: int, passes: int) -> float:
    """The part that does not depend on the size of the strips: each reads the kernel's points `passes` times."""
    values = (m + 2) * max(c, o) * images * -(-size[0] // m) * size[1]
    return -(-values // values_per_strip) * (PER_BLOCK + passes * PER_WEIGHT * (m + 2) * 3 * c * o)


def _forward_sizes(xs: Arrays, weight: Array, stride: IntPair, padding: Padding) -> tuple[int, IntPair, int, int]:
    """Images, (height, width) of the output, input and output channels."""
    c, o = weight.shape[2:]
    return len(xs[0]), out_size(xs[0].shape[1:3], weight.shape[:2], stride, padding), c, o


def _backward_sizes(xs: Arrays, weight: Array) -> tuple[int, IntPair, int, int]:
    """Images, (height, width) of the input, input and output channels."""
    images, height, width, _ = xs[0].shape
    c, o = weight.shape[2:]
    return images, (height, width), c, o


def _blocks(m: int, images: int, size: IntPair, channels: int) -> int:
    return -(-block_sizes.tile_count(m, images, size) // block_sizes.tiles_per_block(m, images, size, channels))
