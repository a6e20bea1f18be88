"""What Winograd's convolution will cost: estimates in nanoseconds of one core, from shapes alone.

The constants were measured on Zen 4 and Zen 3 cores; only their proportions to those of the other paths matter.
"""

from __future__ import annotations

from dataclasses import dataclass

from minunet.kernels.cpu.blas import small_matrix_kernels
from minunet.kernels.cpu.matmul import multiply_cost
from minunet.kernels.cpu.winograd import block_sizes


@dataclass(frozen=True)
class Rates:
    """What depends on how the BLAS treats small matrices: a transform is a product with a matrix of n rows.

    Attributes
    ----------
    value : float
        For a value that a transform writes.
    sorted : float
        The same where pixels are sorted by tiles before and after.
    """

    value: float
    sorted: float


# Where every product packs its operands, transforms cost more beside the products between them.
IN_PLACE = Rates(value=0.3, sorted=0.45)
PACKED = Rates(value=0.4, sorted=0.8)

PER_POINT = 0.3  # for a value of the kernel at a point
PER_WEIGHT = 1.0  # for a value of the kernel's points: made once, read by every strip, added up for a gradient
PER_GRADIENT = 0.7  # for a value of the output's gradient: the mask of the ReLU, the sum for the bias
PER_CHUNK = 50_000.0  # for the calls that do not depend on the chunk's size
PER_CALL = 120_000.0  # to set up buffers and wake the threads
BESIDE = 1.2  # the products of two gradients go through each other's caches
HANDICAP = {4: 1.0, 6: 1.1}  # the larger tiles round three times as much, and have to be worth it

Size = tuple[int, int]


def rates() -> Rates:
    """The rates for the BLAS at hand."""
    return IN_PLACE if small_matrix_kernels() else PACKED


def forward_cost(m: int, images: int, size: Size, c: int, o: int) -> float:
    """The forward pass by tiles or channels, `size` the output's height and width."""
    n, tiles = m + 2, block_sizes.tile_count(m, images, size)
    windows, outputs, kernel = n * m + n * n, n * m + m * m, 3 * n + n * n  # values written on the way
    cost = PER_CALL + PER_CHUNK * _chunks(m, images, size, max(c, o)) + n * n * multiply_cost(tiles, c, o)
    return HANDICAP[m] * (cost + rates().sorted * tiles * (c * windows + o * outputs) + PER_POINT * c * o * kernel)


def backward_cost(m: int, images: int, size: Size, c: int, o: int, needs_x: bool, needs_weight: bool) -> float:
    """The gradients by tiles or channels, `size` the input's height and width."""
    n, tiles = m + 2, block_sizes.tile_count(m, images, size)
    windows, outputs, spread, kernel = n * m + n * n, n * m + m * m, n * m + n * n, 3 * n + n * n
    values = tiles * o * windows
    cost = PER_CALL + PER_CHUNK * _chunks(m, images, size, max(c, o)) + PER_GRADIENT * images * size[0] * size[1] * o
    if needs_x:
        values += tiles * c * outputs
        cost += n * n * multiply_cost(tiles, o, c) + PER_POINT * c * o * kernel
    if needs_weight:
        values += tiles * c * spread
        cost += n * n * multiply_cost(tiles, c, o) + PER_POINT * c * o * kernel
        cost += PER_CALL + PER_CHUNK * _chunks(m, images, size, max(c, o))
    return HANDICAP[m] * (cost + rates().sorted * values)


def strips_forward_cost(m: int, images: int, size: Size, c: int, o: int) -> float:
    """The forward pass by strips, `size` the output's height and width."""
    n, pixels = m + 2, images * -(-size[0] // m) * size[1]  # pixels at each point
    cost = PER_CALL + _per_strip(m, images, size, c, o, block_sizes.STRIP, 1) + n * multiply_cost(pixels, 3 * c, o)
    return cost + rates().value * pixels * (n * c + m * o)


def strips_backward_cost(m: int, images: int, size: Size, c: int, o: int, needs_x: bool, needs_weight: bool) -> float:
    """The gradients by strips, `size` the input's height and width."""
    n, pixels = m + 2, images * -(-size[0] // m) * size[1]
    cost = PER_CALL + PER_GRADIENT * images * size[0] * size[1] * o
    cost += rates().value * pixels * n * o
    cost += _per_strip(m, images, size, c, o, block_sizes.GRADIENT_STRIP, needs_x + 3 * needs_weight)
    if needs_x:
        cost += BESIDE * n * multiply_cost(pixels, 3 * o, c) + rates().value * pixels * m * c
    if needs_weight:
        cost += BESIDE * n * multiply_cost(c, pixels, 3 * o) + rates().value * pixels * n * c
    return cost


def _per_strip(m: int, images: int, size: Size, c: int, o: int, strip: int, times: int) -> float:
    """What every strip costs anew, whatever its size, where it goes through the kernel's points so many times."""
    values = (m + 2) * max(c, o) * images * -(-size[0] // m) * size[1]
    return -(-values // strip) * (PER_CHUNK + times * PER_WEIGHT * (m + 2) * 3 * c * o)


def _chunks(m: int, images: int, size: Size, channels: int) -> int:
    return -(-block_sizes.tile_count(m, images, size) // block_sizes.tiles_per_chunk(m, images, size, channels))
