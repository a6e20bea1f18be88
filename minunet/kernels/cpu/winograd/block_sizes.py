"""How much to do at a time: sizes of chunks, bands and jobs, from shapes and the kind of BLAS, never the number of threads."""

from __future__ import annotations

from dataclasses import dataclass

from minunet.kernels.cpu.blas import small_matrix_kernels
from minunet.kernels.cpu.matmul import SMALL


@dataclass(frozen=True)
class Sizes:
    """What depends on how the BLAS treats small matrices.

    Attributes
    ----------
    chunk : int
        Values of a chunk's tiles at all points.
    most_tiles : int
        Tiles of a chunk, where it has few channels.
    fewest_chunks : int
        Fewer and larger chunks would share out unevenly.
    most_channels_per_job : int
        Where blocks of channels pass through.
    fewest_tiles : int
        Tiles for each channel from which the gradients go by tiles.
    """

    chunk: int
    most_tiles: int
    fewest_chunks: int
    most_channels_per_job: int
    fewest_tiles: int


# Measured on Zen 4 and on Zen 3. Where every product packs its operands, large products pack them less often.
IN_PLACE = Sizes(chunk=SMALL, most_tiles=SMALL, fewest_chunks=8, most_channels_per_job=64, fewest_tiles=0)
PACKED = Sizes(chunk=2_000_000, most_tiles=512, fewest_chunks=4, most_channels_per_job=128, fewest_tiles=4)

FEWEST_CHANNELS_PER_JOB = 64
FEWEST_JOBS = 4  # rather than larger blocks of channels

# Values in a band of rows of points: more mean fewer calls, and larger buffers between them.
BAND = 50_000

# Values of a chunk at one point; a smaller one is not worth a job.
SMALLEST_CHUNK = 4096

# Values of a strip at all points: in the forward pass, and in the backward pass, where longer strips make longer sums.
STRIP = 280_000
GRADIENT_STRIP = 560_000

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


def sizes() -> Sizes:
    """The sizes for the BLAS at hand."""
    return IN_PLACE if small_matrix_kernels() else PACKED


def by_tiles(channels_in: int, channels_out: int) -> bool:
    """Whether chunks of tiles pass through with all their channels, or blocks of channels with all their tiles."""
    return channels_in * channels_out <= MOST_PAIRS_BY_TILES


def gradients_by_tiles(m: int, images: int, size: tuple[int, int], channels_in: int, channels_out: int) -> bool:
    """The same for the backward pass, where few tiles for many channels make small products."""
    enough = tile_count(m, images, size) >= sizes().fewest_tiles * max(channels_in, channels_out)
    return enough and by_tiles(channels_in, channels_out)


def channels_per_job(channels: int, jobs_beside: int = 0) -> int:
    """How many of so many channels pass through in one job, where so many kinds of jobs beside it are of like size."""
    share = channels * (1 + jobs_beside) // FEWEST_JOBS
    return max(FEWEST_CHANNELS_PER_JOB, min(sizes().most_channels_per_job, share))


def tiles_per_chunk(m: int, images: int, size: tuple[int, int], channels: int) -> int:
    """Tiles that go through together: as many as make products of a good size, fewer if that is too few chunks."""
    n, wanted = m + 2, sizes()
    share = max(SMALLEST_CHUNK // channels, -(-tile_count(m, images, size) // wanted.fewest_chunks))
    return max(1, min(wanted.chunk // (n * n) // channels, wanted.most_tiles, share))


def tiles_per_group(n: int, channels: int) -> int:
    """Tiles whose points are kept at once where blocks of channels pass through."""
    return max(1, GROUP // (n * n) // channels)


def tile_count(m: int, images: int, size: tuple[int, int]) -> int:
    """Tiles of m x m outputs that images of `size` (height, width) take."""
    return images * -(-size[0] // m) * -(-size[1] // m)
