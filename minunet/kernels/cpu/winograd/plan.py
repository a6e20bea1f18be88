"""How much to do at a time: sizes of chunks, bands and jobs, from shapes alone."""

from __future__ import annotations

from minunet.kernels.cpu.products import SMALL

CHANNELS_PER_JOB = 64

# Values in a band of rows of points: more mean fewer calls, and larger buffers between them.
BAND = 50_000

# Fewer and larger chunks would share out unevenly; smaller ones than so many values a point are not worth a job.
FEWEST_CHUNKS = 8
SMALLEST_CHUNK = 4096

# Values of written-out windows of a strip, at all points.
STRIP = 600_000

# A kernel of more pairs of channels has so many points that reading them again for every chunk costs more than
# keeping the points of all windows in memory.
MOST_PAIRS_BY_TILES = 128 * 256

# Points of all windows of a group, in values: 48 MB in float32, a size that the last level of cache still helps with.
GROUP = 12_000_000


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
    share = max(SMALLEST_CHUNK // channels, -(-tile_count(m, images, size) // FEWEST_CHUNKS))
    return max(1, min(SMALL // (n * n) // channels, share))


def tiles_per_group(n: int, channels: int) -> int:
    """Tiles whose points are kept at once where blocks of channels pass through."""
    return max(1, GROUP // (n * n) // channels)


def tile_count(m: int, images: int, size: tuple[int, int]) -> int:
    """Tiles of m x m outputs that images of `size` (height, width) take."""
    return images * -(-size[0] // m) * -(-size[1] // m)
