"""What Winograd's convolution will cost: estimates in nanoseconds of one core, from shapes alone.

The constants were measured on a Zen 4 core; only their proportions to those of the other paths matter.
"""

from __future__ import annotations

from minunet.kernels.cpu.products import multiply_cost
from minunet.kernels.cpu.winograd import plan

PER_VALUE = 0.3  # for a value that a transform writes, with its share of the copies before and after
PER_COPIED = 0.1  # for a value of a window of three neighbours
PER_GRADIENT = 0.7  # for a value of the output's gradient: the mask of the ReLU, the sum for the bias
PER_CHUNK = 50_000.0  # for the calls that do not depend on the chunk's size
PER_CALL = 120_000.0  # to set up buffers and wake the threads
HANDICAP = {4: 1.0, 6: 1.1}  # the larger tiles round three times as much, and have to be worth it

Size = tuple[int, int]


def forward_cost(m: int, images: int, size: Size, c: int, o: int) -> float:
    """The forward pass, `size` the output's height and width."""
    n, tiles = m + 2, plan.tile_count(m, images, size)
    windows, outputs, kernel = n * m + n * n, n * m + m * m, 3 * n + n * n  # values written on the way
    values = tiles * (c * windows + o * outputs) + c * o * kernel
    fixed = PER_CALL + PER_CHUNK * _chunks(m, images, size, max(c, o))
    return HANDICAP[m] * (n * n * multiply_cost(tiles, c, o) + PER_VALUE * values + fixed)


def backward_cost(m: int, images: int, size: Size, c: int, o: int, needs_x: bool, needs_weight: bool) -> float:
    """The gradients, `size` the input's height and width."""
    n, tiles = m + 2, plan.tile_count(m, images, size)
    windows, outputs, spread, kernel = n * m + n * n, n * m + m * m, n * m + n * n, 3 * n + n * n
    values = tiles * o * windows
    cost = PER_CALL + PER_CHUNK * _chunks(m, images, size, max(c, o)) + PER_GRADIENT * images * size[0] * size[1] * o
    if needs_x:
        values += tiles * c * outputs + c * o * kernel
        cost += n * n * multiply_cost(tiles, o, c)
    if needs_weight:
        values += tiles * c * spread + c * o * kernel
        cost += n * n * multiply_cost(tiles, c, o) + PER_CALL + PER_CHUNK * _chunks(m, images, size, max(c, o))
    return HANDICAP[m] * (cost + PER_VALUE * values)


def strips_forward_cost(m: int, images: int, size: Size, c: int, o: int) -> float:
    """The forward pass by strips, `size` the output's height and width."""
    n, pixels = m + 2, images * -(-size[0] // m) * size[1]  # pixels at each point
    values = pixels * (n * c + m * o)
    copied = pixels * n * 3 * c
    return PER_CALL + n * multiply_cost(pixels, 3 * c, o) + PER_VALUE * values + PER_COPIED * copied


def strips_backward_cost(m: int, images: int, size: Size, c: int, o: int, needs_x: bool, needs_weight: bool) -> float:
    """The gradients by strips, `size` the input's height and width."""
    n, pixels = m + 2, images * -(-size[0] // m) * size[1]
    cost = PER_CALL + PER_GRADIENT * images * size[0] * size[1] * o
    cost += pixels * n * o * (PER_VALUE + 3 * PER_COPIED)
    if needs_x:
        cost += n * multiply_cost(pixels, 3 * o, c) + PER_VALUE * pixels * m * c
    if needs_weight:
        cost += n * multiply_cost(c, pixels, 3 * o) + PER_VALUE * pixels * n * c
    return cost


def _chunks(m: int, images: int, size: Size, channels: int) -> int:
    return -(-plan.tile_count(m, images, size) // plan.tiles_per_chunk(m, images, size, channels))
