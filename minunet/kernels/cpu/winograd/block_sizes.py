"""Sizes of blocks, bands, groups and jobs: from shapes and the kind of BLAS, never from the number of threads."""

from __future__ import annotations

from typing import NamedTuple

from minunet.kernels.cpu.blas import small_matrix_kernels
from minunet.kernels.cpu.matmul import MAX_IN_PLACE


class BlockSizes(NamedTuple):
    """The sizes that depend on how the BLAS multiplies small matrices.

    Attributes
    ----------
    values_per_block : int
        Values of a block's tiles at all points.
    max_tiles : int
        Tiles of a block that has few channels.
    min_blocks : int
        Fewer and larger blocks could not be shared out evenly to the threads.
    max_channels_per_job : int
        Of the jobs of `by_channels`.
    min_tiles_per_channel : int
        With at least so many tiles for each channel, the backward pass goes by tiles.
    """

    values_per_block: int
    max_tiles: int
    min_blocks: int
    max_channels_per_job: int
    min_tiles_per_channel: int


# Measured on Zen 4 and on Zen 3. A BLAS that packs the operands of every product packs those of large products less often.
IN_PLACE = BlockSizes(
    values_per_block=MAX_IN_PLACE,
    max_tiles=MAX_IN_PLACE,
    min_blocks=8,
    max_channels_per_job=64,
    min_tiles_per_channel=0,
)
PACKED = BlockSizes(
    values_per_block=2_000_000, max_tiles=512, min_blocks=4, max_channels_per_job=128, min_tiles_per_channel=4
)

MIN_CHANNELS_PER_JOB = 64
MIN_JOBS = 4  # rather than larger blocks of channels

# More make fewer calls, but larger buffers between them.
VALUES_PER_BAND = 50_000

# At one point; a smaller block is not worth the cost of handing it to a thread.
MIN_VALUES_PER_BLOCK = 4096

# At all points: in the forward pass, and in the backward pass, where longer strips make longer sums.
VALUES_PER_STRIP = 280_000
VALUES_PER_GRAD_STRIP = 560_000

# Pairs of channels. A larger kernel has so many points that reading them again for every block costs more than keeping
# the points of all windows in memory.
MAX_PAIRS_BY_TILES = 128 * 256

# Points of the windows of a group: 48 MB in float32, a size for which the last-level cache still helps.
VALUES_PER_GROUP = 12_000_000


def grad_weight_jobs(channels_in: int, channels_out: int) -> int:
    """The most jobs of a backward pass by tiles, each of which keeps a partial gradient of the weight.

    They fix the order of the sums, and so must not depend on the number of threads. Large parts take time to add up.
    """
    return 16 if channels_in * channels_out <= 32 * 32 else 8


def bands(n: int, values: int) -> list[slice]:
    """All n rows of points in equal bands. `values`: the size at one point of what a band is computed from."""
    rows = max(k for k in range(1, n + 1) if n % k == 0 and (k == 1 or k * values <= VALUES_PER_BAND))
    return [slice(first, first + rows) for first in range(0, n, rows)]


def sizes_for_blas() -> BlockSizes:
    """The sizes for the BLAS of this process."""
    return IN_PLACE if small_matrix_kernels() else PACKED


def goes_by_tiles(channels_in: int, channels_out: int) -> bool:
    """Whether to compute blocks of tiles with all their channels, rather than blocks of channels with all their tiles."""
    return channels_in * channels_out <= MAX_PAIRS_BY_TILES


def backward_goes_by_tiles(m: int, images: int, size: tuple[int, int], channels_in: int, channels_out: int) -> bool:
    """The same for the backward pass, where few tiles for many channels make small products."""
    min_tiles = sizes_for_blas().min_tiles_per_channel * max(channels_in, channels_out)
    return tile_count(m, images, size) >= min_tiles and goes_by_tiles(channels_in, channels_out)


def channels_per_job(channels: int, other_kinds_of_jobs: int = 0) -> int:
    """Channels of one job, out of so many, where jobs of so many other kinds, about as large, are done beside them."""
    share = channels * (1 + other_kinds_of_jobs) // MIN_JOBS
    return max(MIN_CHANNELS_PER_JOB, min(sizes_for_blas().max_channels_per_job, share))


def tiles_per_block(m: int, images: int, size: tuple[int, int], channels: int) -> int:
    """Tiles of a block: as many as make products of a good size, fewer where that makes too few blocks."""
    n, sizes = m + 2, sizes_for_blas()
    share = max(MIN_VALUES_PER_BLOCK // channels, -(-tile_count(m, images, size) // sizes.min_blocks))
    return max(1, min(sizes.values_per_block // (n * n) // channels, sizes.max_tiles, share))


def tiles_per_group(n: int, channels: int) -> int:
    """Tiles of a group, whose points are in memory at the same time where blocks of channels are computed."""
    return max(1, VALUES_PER_GROUP // (n * n) // channels)


def tile_count(m: int, images: int, size: tuple[int, int]) -> int:
    """Tiles of m x m pixels in images of `size` (height, width)."""
    return images * -(-size[0] // m) * -(-size[1] // m)
