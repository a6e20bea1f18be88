"""Which images a U-Net predicts in tiles, since they need too much memory; the size of a tile, and the margin around its used part.

How many pixels one call of the network may have is estimated from the number of its channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BUDGET = 1 << 30  # bytes of activations of one call; an image that would need more is cut into tiles
PEAK_BYTES_PER_CHANNEL = 64  # of these at the peak, per pixel and base channel; measured: 18 to 38, by size and kernels
TILE_BYTES = 400e6  # of a forward pass on one tile, where that leaves enough of the tile
BYTES_PER_CHANNEL = 32  # at its peak, per pixel and base channel; measured: 26 to 31, for bases 4 to 64
MARGINS_PER_SIDE = 6  # at least, so that no more than 2.25 times the pixels of the image are computed
# Of the used part of a row of tiles, whose probabilities (4 bytes) and pixels (1 to 16 bytes) are in memory.
BAND_PIXELS = 16e6
LARGEST_MARGIN = 512  # pixels, for networks of more than six levels; pixels farther away have hardly any influence


def pixels_at_once(config: Mapping[str, Any]) -> int:
    """How many pixels one call of a network may have.

    Parameters
    ----------
    config : mapping
        The architecture of a U-Net, as in `UNet.config`.
    """
    return int(BUDGET // (PEAK_BYTES_PER_CHANNEL * config["base_channels"]))


def tiling(config: Mapping[str, Any], width: int) -> tuple[int, int, int]:
    """Side and margin of the tiles, and the grid of the deepest level on which they start, all in pixels.

    Parameters
    ----------
    config : mapping
        The architecture of a U-Net, as in `UNet.config`.
    width : int
        Of the image, in pixels: in a wide one a row of large tiles would take much memory.
    """
    align = 2 ** config["depth"]
    margin = min(tile_margin(config), LARGEST_MARGIN)
    side = int((TILE_BYTES / (BYTES_PER_CHANNEL * config["base_channels"])) ** 0.5)
    side = min(side, int(BAND_PIXELS / width) + 2 * margin)
    return max(side // align * align, MARGINS_PER_SIDE * margin), margin, align


def tile_margin(config: Mapping[str, Any]) -> int:
    """The distance from a logit, at a multiple of 2**depth, to the farthest pixel that it depends on.

    Every convolution reaches one pixel further at its level, every halving rounds down to the grid of the next level. The result
    is a multiple of 2**depth.
    """
    depth, paper = config["depth"], config["variant"] == "paper"
    first = -1 if paper else 0  # of the pixels that the logit at 0 depends on, at the current level
    for _ in range(depth):
        first = (first - 2) // 2  # two convolutions of the expansion, then the up-convolution
    first -= 2  # bottleneck
    for _ in range(depth):
        first = 2 * first - (3 if paper else 2)  # pooling, then the convolutions of the contraction
    align = 2**depth
    return -(first // align) * align
