"""Sizes of blocks and jobs, for both kinds of BLAS."""

import pytest

from minunet.kernels.cpu.winograd import block_sizes
from minunet.kernels.cpu.winograd.matrices import POINTS
from minunet.kernels.cpu.winograd.tiles import tile_blocks


@pytest.mark.parametrize("sizes", [block_sizes.IN_PLACE, block_sizes.PACKED])
def test_blocks_and_jobs_keep_within_the_limits(sizes, monkeypatch):
    monkeypatch.setattr(block_sizes, "sizes_for_blas", lambda: sizes)
    for images, side, channels in ((8, 256, 16), (8, 128, 32), (2, 128, 128), (8, 32, 128), (1, 8, 4)):
        for m in POINTS:
            tiles = block_sizes.tiles_per_block(m, images, (side, side), channels)
            assert 1 <= tiles <= sizes.max_tiles
            assert tiles * channels * (m + 2) ** 2 <= max(
                sizes.values_per_block, block_sizes.MIN_VALUES_PER_BLOCK * (m + 2) ** 2
            )
            blocks = tile_blocks(images, (side, side), m, tiles)
            assert len(blocks) >= min(
                sizes.min_blocks, block_sizes.tile_count(m, images, (side, side)) * channels // 4096
            )
    for channels in (1, 64, 128, 256, 512, 1024):
        per_job = block_sizes.channels_per_job(channels)
        assert 64 <= per_job <= sizes.max_channels_per_job
        assert channels < 256 or channels // per_job >= block_sizes.MIN_JOBS


def test_the_backward_pass_of_few_tiles_with_many_channels_goes_by_channels(monkeypatch):
    for sizes, expected in ((block_sizes.PACKED, False), (block_sizes.IN_PLACE, True)):
        monkeypatch.setattr(block_sizes, "sizes_for_blas", lambda sizes=sizes: sizes)
        assert block_sizes.backward_goes_by_tiles(6, 8, (32, 32), 128, 128) is expected
        assert block_sizes.backward_goes_by_tiles(6, 2, (128, 128), 128, 128)
        assert not block_sizes.backward_goes_by_tiles(6, 2, (128, 128), 512, 512)
