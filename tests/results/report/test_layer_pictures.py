"""The pictures of layers in a report: which maps, and how large."""

import numpy as np

from minunet.results.layer_sheet import LayerMaps
from minunet.results.report.layer_pictures import SMALL, layer_cases, small_map

RNG = np.random.default_rng(0)


def layer(name, height, width, channels, field=5):
    return LayerMaps(name, RNG.random((height, width, channels), np.float32), field)


def test_small_maps_are_enlarged_by_a_whole_number_and_large_ones_shrunk():
    assert small_map(RNG.random((3, 4))).size == (4 * (SMALL // 4), 3 * (SMALL // 4))
    assert small_map(RNG.random((300, 600))).size == (SMALL, SMALL // 2)
    assert small_map(RNG.random((600, 3))).size == (1, SMALL)
    pixels = np.asarray(small_map(np.array([[-1.0, 0.0], [0.0, 3.0]])))
    assert (pixels.min(), pixels.max(), pixels[0, -1]) == (0, 255, 64)


def test_a_row_has_the_maps_that_differ_and_none_that_are_the_same_everywhere():
    few = layer("bottleneck.convs.1", 6, 8, 9)
    few.maps[..., 2:] = 1.0
    silent = LayerMaps("head", np.zeros((12, 16, 2), np.float32), 9)
    layers = [layer("contraction.0.convs.0", 12, 16, 8), layer("contraction.0.convs.1", 12, 16, 8), few, silent]
    first, *blocks = layer_cases(np.zeros((24, 32), np.uint8), "x", layers, RNG.random((3, 3, 1, 8)))
    assert [picture.title for picture in first.pictures] == [
        "image",
        "what a value of each block sees",
        "filters of the first layer",
    ]
    assert [(case.heading, len(case.pictures)) for case in blocks] == [
        ("contraction.0.convs.1", 6),
        ("bottleneck.convs.1", 2),
        ("head", 0),
    ]
    assert [picture.title for picture in blocks[1].pictures] == ["[0]", "[1]"]
    assert "2 channels, 2 of them the same everywhere" in blocks[2].caption
    assert all(case.columns == "six" for case in blocks)


def test_the_page_stays_small_however_large_the_network_is():
    layers = [layer(f"contraction.{level}.convs.1", 512 >> level, 512 >> level, 64) for level in range(8)]
    layers += [layer(f"expansion.{level}.block.convs.1", 4 << level, 4 << level, 64) for level in range(8)]
    cases = layer_cases(RNG.integers(0, 256, (1200, 1600, 3), np.uint8), "x", layers, RNG.random((3, 3, 3, 64)))
    assert (
        sum(len(picture.source) for case in cases for picture in case.pictures) < 2_500_000
    )  # noise is the worst case
