"""Blocks of tiles."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minunet.kernels.cpu.winograd.matrices import POINTS
from minunet.kernels.cpu.winograd.tiles import tile_blocks


@given(
    images=st.integers(1, 5),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    m=st.sampled_from(list(POINTS)),
    tiles=st.integers(1, 200),
)
def test_blocks_cover_every_tile_once(images, size, m, tiles):
    counts = np.zeros((images, -(-size[0] // m), -(-size[1] // m)), int)
    for block in tile_blocks(images, size, m, tiles):
        rows = slice(block.first_row, block.first_row + block.rows)
        columns = slice(block.first_column, block.first_column + block.columns)
        counts[block.images, rows, columns] += 1
        assert block.tile_count == counts[block.images, rows, columns].size
    assert (counts == 1).all()
