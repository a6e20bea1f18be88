"""The pictures of the layers of a network in a report: some feature maps of each block, few and small, to keep the page small."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from minunet.results.layer_sheet import MAPS, LayerMaps, filter_sheet, last_of_blocks, scaled_map, with_squares
from minunet.results.report.report_pictures import ReportCase, report_picture

SMALL = 150  # pixels, the largest side of a feature map in the page


def layer_cases(
    image: np.ndarray, name: str, layers: Sequence[LayerMaps], first_filters: np.ndarray
) -> list[ReportCase]:
    """The image with what the layers see of it, the filters of the first one, and a row of feature maps for each block.

    Parameters
    ----------
    image : ndarray, (H, W), (H, W, 1) or (H, W, 3)
    name : str
        Of the image.
    layers : sequence of LayerMaps
        All of them, in the order in which they are computed.
    first_filters : ndarray, (kh, kw, C_in, C_out)
    """
    blocks = last_of_blocks(layers)
    scale = image.shape[1] / blocks[0].maps.shape[1]
    squares = with_squares(image, [layer.receptive_field * scale for layer in blocks])
    whole = [
        report_picture("image", image, f"The image {name}"),
        report_picture(
            "what a value of each block sees", squares, "The same image with a square around its middle for each block"
        ),
        report_picture(
            "filters of the first layer",
            filter_sheet(first_filters, heading=""),
            "The filters of the first layer; grey is 0",
        ),
    ]
    return [ReportCase("The image and the first filters", whole), *map(_block, blocks)]


def _block(layer: LayerMaps) -> ReportCase:
    """The maps of a block that differ most; none of those that are the same everywhere."""
    pictures = [
        report_picture(f"[{channel}]", small_map(layer.maps[..., channel]), f"Feature map {channel} of {layer.name}")
        for channel in layer.strongest(min(MAPS, layer.maps.shape[2] - layer.silent))
    ]
    name, _, described = layer.describe().partition(": ")
    return ReportCase(name, pictures, described, small=True)


def small_map(values: np.ndarray) -> Image.Image:
    """A feature map (h, w) with no side above `SMALL`: black is its smallest value, white its largest; small ones are enlarged."""
    picture = Image.fromarray(np.rint(255 * scaled_map(values)).astype(np.uint8))
    longer = max(picture.size)
    if times := SMALL // longer:  # by a whole number, so that its pixels are seen
        return picture.resize((times * picture.width, times * picture.height), Image.Resampling.NEAREST)
    size = (max(1, SMALL * picture.width // longer), max(1, SMALL * picture.height // longer))
    return picture.resize(size, Image.Resampling.BOX)
