"""The margin of a tile: as far as the network looks, and no further than needed; its size, by the memory that it takes."""

import numpy as np
import pytest

from minunet.autograd import no_grad
from minunet.inference.tile_size import BAND_PIXELS, MARGINS_PER_SIDE, tile_margin, tiling
from minunet.kernels import dispatch
from tests.checkpoints.model_files import unet


def changed_rows(model, row, height=256):
    """The rows of logits that a change of one row of the image changes."""
    image = np.random.default_rng(0).random((1, height, 16, 1), np.float32)
    touched = image.copy()
    touched[:, row] += 100
    with no_grad(), dispatch.prefer("reference"):  # the others round an output by its neighbours too
        return np.flatnonzero((model(image).data != model(touched).data)[0, :, :, 0].any(axis=1))


@pytest.mark.parametrize("variant", ["paper", "classic"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_what_a_core_depends_on_is_within_the_margin(variant, depth):
    model = unet(depth=depth, variant=variant)
    margin, grid = tile_margin(model.config), 2**depth
    core = 128  # a multiple of every grid
    assert changed_rows(model, core - margin - 1).max() < core
    assert changed_rows(model, core - margin + grid - 1).max() >= core
    assert changed_rows(model, core + margin).min() >= core


def test_tiles_hold_several_margins_whatever_the_network():
    for depth in range(1, 9):
        for base_channels in (1, 16, 64, 512):
            config = {"depth": depth, "variant": "paper", "base_channels": base_channels}
            side, margin, align = tiling(config, 20_000)
            assert align == 2**depth
            assert side % align == margin % align == 0
            assert side >= MARGINS_PER_SIDE * margin
    for width in (1, 6_000, 20_000):
        assert tiling({"depth": 4, "variant": "paper", "base_channels": 16}, width) == (880, 112, 16)


def test_a_row_of_tiles_of_a_wide_image_has_no_more_pixels_than_one_of_a_narrow_image():
    config = {"depth": 4, "variant": "paper", "base_channels": 2}
    sides = [tiling(config, width)[0] for width in (3_000, 6_000, 20_000, 40_000, 131_072)]
    assert sides[0] == 2496 and sides == sorted(sides, reverse=True) and sides[-1] == MARGINS_PER_SIDE * 112
    for side, width in zip(sides[:-1], (3_000, 6_000, 20_000, 40_000), strict=True):
        assert (side - 2 * 112) * width <= max(BAND_PIXELS, (MARGINS_PER_SIDE - 2) * 112 * width)
