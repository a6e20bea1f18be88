"""How much to do at a time, and what it will cost: sizes of chunks and jobs, estimates of time, from shapes alone."""

from __future__ import annotations

from minunet.kernels.cpu.products import SMALL, multiply_cost

CHANNELS_PER_JOB = 64

# Values in a band of rows of points: more mean fewer calls, and larger buffers between them.
BAND = 50_000

# Fewer and larger chunks would share out unevenly.
FEWEST_CHUNKS = 8

# A kernel of more pairs of channels has so many points that reading them again for every chunk costs more than
# keeping the points of all windows in memory.
MOST_PAIRS_BY_TILES = 128 * 256

# Points of all windows of a group, in values: 48 MB in float32, a size that the last level of cache still helps with.
GROUP = 12_000_000

# Nanoseconds per value that a transform writes, with its share of the copies before and after; measured on Zen 4.
PER_VALUE = 0.3
PER_CALL = 50_000.0  # nanoseconds to set up chunks and wake the threads


def jobs(channels_in: int, channels_out: int) -> int:
    """Parts of a weight's gradient that are added up apart, each by one thread.

    They fix the order of the sums, and so must not depend on the number of threads. Large parts cost time to add up.
    """
    return 16 if channels_in * channels_out <= 32 * 32 else 8


def bands(n: int, values: int) -> list[slice]:
    """All n rows of points in equal bands, where one row of all that is worked on has `values` values."""
    rows = max(k for k in range(1, n + 1) if n % k == 0 and (k == 1 or k * values <= BAND))
    return [slice(first, first + rows) for first in range(0, n, rows)]


def by_tiles(channels_in: int, channels_out: int) -> bool:
    """Whether chunks of tiles pass through with all their channels, or blocks of channels with all their tiles."""
    return channels_in * channels_out <= MOST_PAIRS_BY_TILES


def tiles_per_chunk(m: int, images: int, size: tuple[int, int], channels: int) -> int:
    """Tiles for which one row of points is as long as the transforms multiply in one go, fewer if that is too few chunks."""
    n = m + 2
    return max(1, min(SMALL // (n * n) // channels, -(-_tiles(m, images, size) // FEWEST_CHUNKS)))


def tiles_per_group(n: int, channels: int) -> int:
    """Tiles whose points are kept at once where blocks of channels pass through."""
    return max(1, GROUP // (n * n) // channels)


def forward_cost(m: int, images: int, size: tuple[int, int], c: int, o: int) -> float:
    """Estimated nanoseconds of one core for the forward pass, `size` the output's height and width."""
    n, tiles = m + 2, _tiles(m, images, size)
    windows, outputs, kernel = n * m + n * n, n * m + m * m, 3 * n + n * n  # values written on the way
    values = tiles * (c * windows + o * outputs) + c * o * kernel
    return n * n * multiply_cost(tiles, c, o) + PER_VALUE * values + PER_CALL


def backward_cost(
    m: int, images: int, size: tuple[int, int], c: int, o: int, needs_x: bool, needs_weight: bool
) -> float:
    """Estimated nanoseconds of one core for the gradients, `size` the input's height and width."""
    n, tiles = m + 2, _tiles(m, images, size)
    windows, outputs, spread, kernel = n * m + n * n, n * m + m * m, n * m + n * n, 3 * n + n * n
    values = tiles * o * windows
    cost = PER_CALL
    if needs_x:
        values += tiles * c * outputs + c * o * kernel
        cost += n * n * multiply_cost(tiles, o, c)
    if needs_weight:
        values += tiles * c * spread + c * o * kernel
        cost += n * n * multiply_cost(tiles, c, o)
    return cost + PER_VALUE * values


def _tiles(m: int, images: int, size: tuple[int, int]) -> int:
    return images * -(-size[0] // m) * -(-size[1] // m)
