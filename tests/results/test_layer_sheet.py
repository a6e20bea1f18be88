"""The layer sheet: which maps are shown, how they are scaled, and what is said of them."""

import numpy as np
import pytest

from minunet.results.layer_sheet import (
    TILE,
    LayerMaps,
    as_tile,
    filter_sheet,
    filter_tiles,
    layer_sheet,
    one_layer_sheet,
)


@pytest.fixture
def layer():
    maps = np.zeros((6, 8, 9), np.float32)
    maps[2:4, 2:4] = np.arange(9)  # channel 0 is the same everywhere
    return LayerMaps("bottleneck.convs.1", maps, 42)


def test_the_channels_that_differ_most_are_shown_in_their_order(layer):
    assert layer.strongest(3) == [6, 7, 8]
    assert layer.silent == 1
    assert layer.describe() == "bottleneck.convs.1: 8x6, 9 channels, 1 of them the same everywhere; sees 42 pixels"


def test_a_map_goes_from_black_to_white_and_keeps_its_pixels():
    tile = as_tile(np.array([[-3.0, 1.0]]))
    assert (tile.min(), tile.max()) == (0, 1)
    assert np.count_nonzero(tile == 0) == np.count_nonzero(tile == 1) == tile.size / 2
    assert not as_tile(np.full((3, 3), 7.0)).any()


def test_filters_share_one_scale_and_grey_is_zero():
    weight = np.zeros((3, 3, 1, 2))
    weight[0, 0, 0, 0], weight[1, 1, 0, 1] = 2, -1
    first, second = filter_tiles(weight)
    assert (first[0, 0], first[1, 1], second[1, 1]) == (1, 0.5, 0.25)
    assert filter_tiles(np.zeros((3, 3, 3, 5)))[0].shape == (3, 3, 3)
    assert len(filter_tiles(np.zeros((3, 3, 2, 4)))) == 4


def test_the_sheet_holds_a_row_for_each_layer(layer):
    image = np.full((12, 16), 255, np.uint8)
    one = layer_sheet(image, [layer], np.zeros((12, 16), np.float32), heading="h")
    two = layer_sheet(image, [layer, layer], np.zeros((12, 16), np.float32), heading="h")
    assert one.width == two.width > 6 * TILE
    assert two.height - one.height > TILE * 6 // 8


def test_the_squares_are_drawn_where_the_layer_sees(layer):
    image = np.zeros((100, 100), np.uint8)
    small = LayerMaps("a", np.zeros((100, 100, 1), np.float32), 50)
    pixels = np.asarray(layer_sheet(image, [small], np.zeros((100, 100), np.float32), heading=""))
    coloured = np.argwhere((pixels[..., 0] > 150) & (pixels[..., 1] < 140) & (pixels[..., 2] < 60))
    assert np.ptp(coloured[:, 0]) + 1 == pytest.approx(TILE / 2, abs=3)
    assert np.ptp(coloured[:, 1]) + 1 == pytest.approx(TILE / 2, abs=3)


def test_all_maps_of_one_layer_and_all_filters(layer):
    assert one_layer_sheet(layer, heading=layer.describe()).width > 8 * TILE
    assert filter_sheet(np.ones((3, 3, 1, 4)), heading="filters").width < 5 * TILE
