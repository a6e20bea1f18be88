"""How a weight gradient's pixels are shared out among blocks: whole, by shapes alone, without an almost empty last wave."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from minunet.kernels.cuda import ampere_tile, ampere_weight_gradient
from minunet.kernels.cuda.dtypes import ceil_div
from minunet.kernels.cuda.window import forward_window

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


def window(images, height, width, channels, outs):
    x, weight = SimpleNamespace(shape=(images, height, width, channels)), SimpleNamespace(shape=(3, 3, channels, outs))
    return forward_window((x,), weight, (1, 1), ((1, 1), (1, 1)), (height, width))


@pytest.mark.parametrize("itemsize", [2, 4])
@pytest.mark.parametrize(
    "shape", [(0, 5, 5), (1, 1, 1), (1, 3, 11), (2, 23, 19), (1, 129, 200), (16, 256, 256)], ids=str
)
def test_every_pixel_is_in_one_share(shape, itemsize):
    for channels, outs in ((8, 8), (64, 64), (72, 136), (512, 1024)):
        made = window(*shape, channels, outs)
        share, splits = ampere_weight_gradient.split(made, ampere_weight_gradient.tile_for(made), itemsize)
        assert share > 0 and share % (ampere_tile.ROW_BYTES // itemsize) == 0
        assert splits == ampere_weight_gradient.num_splits(made, itemsize) == max(1, ceil_div(made.pixels, share))


@pytest.mark.parametrize("itemsize", [2, 4])
@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_multiprocessors_are_busy_to_the_end(layer, itemsize):
    """At least 0.7 of the time of 132 of them, with no more than 128 MiB of partial sums."""
    side, channels, outs = layer
    made = window(16, side, side, channels, outs)
    tile = ampere_weight_gradient.tile_for(made)
    share, splits = ampere_weight_gradient.split(made, tile, itemsize)
    tiles, at_once = ceil_div(made.depth, ampere_tile.BM) * ceil_div(outs, tile.columns), 132 * tile.blocks
    busy = tiles * made.pixels / (ceil_div(tiles * splits, at_once) * at_once * share)
    assert busy >= 0.7
    assert splits * made.depth * outs * 4 <= 128 << 20
