"""How the weight gradient for sm_80 splits the pixels among blocks without an almost empty last wave; division by a constant."""

from __future__ import annotations

import numpy as np
import pytest

from minunet.kernels.cuda import ampere_tile, ampere_weight_gradient
from minunet.kernels.cuda.dtypes import ceil_div
from tests.cuda_on_cpu.device_checks.convolution_passes import same_window

# (side, input channels, output channels) of the classic U-Net's convolutions, for 16 images of 256x256
LAYERS = [
    (256, 64, 64),
    (128, 64, 128),
    (128, 128, 128),
    (64, 128, 256),
    (64, 256, 256),
    (32, 256, 512),
    (32, 512, 512),
    (16, 512, 1024),
    (16, 1024, 1024),
    (32, 1024, 512),
    (64, 512, 256),
    (128, 256, 128),
    (256, 128, 64),
]


@pytest.mark.parametrize("itemsize", [2, 4])
@pytest.mark.parametrize(
    "shape", [(0, 5, 5), (1, 1, 1), (1, 3, 11), (2, 23, 19), (1, 129, 200), (16, 256, 256)], ids=str
)
def test_every_pixel_is_in_one_split(shape, itemsize):
    for channels, outs in ((8, 8), (64, 64), (72, 136), (512, 1024)):
        made = same_window(shape, (channels,), outs)
        share, splits = ampere_weight_gradient.split(made, ampere_weight_gradient.tile_for(made), itemsize)
        assert share > 0 and share % (ampere_tile.ROW_BYTES // itemsize) == 0
        assert splits == ampere_weight_gradient.num_splits(made, itemsize) == max(1, ceil_div(made.pixels, share))


@pytest.mark.parametrize("itemsize", [2, 4])
@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_multiprocessors_are_busy_to_the_end(layer, itemsize):
    """At least 0.7 of the time of 132 of them, with no more than 128 MiB of partial sums."""
    side, channels, outs = layer
    made = same_window((16, side, side), (channels,), outs)
    tile = ampere_weight_gradient.tile_for(made)
    share, splits = ampere_weight_gradient.split(made, tile, itemsize)
    tiles, at_once = ceil_div(made.depth, ampere_tile.BM) * ceil_div(outs, tile.columns), 132 * tile.blocks
    busy = tiles * made.pixels / (ceil_div(tiles * splits, at_once) * at_once * share)
    assert busy >= 0.7
    assert splits * made.depth * outs * 4 <= 128 << 20


def test_dividers():
    """Division by one multiplication is exact below 2^31, by every small divisor and by awkward large ones."""
    numbers = np.unique(
        np.concatenate([np.arange(3000), 2**31 - 1 - np.arange(3000), 2 ** np.arange(31), 2 ** np.arange(31) - 1])
    )
    for divisor in [*range(1, 700), 4095, 4096, 4097, 65537, 2**30 + 1, 2**31 - 1]:
        d = ampere_weight_gradient.Divider.by(divisor)
        near = numbers if divisor < 700 else np.unique(np.concatenate([numbers, divisor - np.arange(2), [divisor]]))
        product = near.astype(np.uint64) * np.uint64(2 * d.multiplier)  # below 2^64
        assert int(near.max()) * 2 * d.multiplier < 2**64
        assert np.array_equal((product >> np.uint64(32 + d.shift)).astype(np.int64), near // divisor), divisor
