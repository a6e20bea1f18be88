"""The layer sheet: what the layers of a network make of one image, as a picture with a row for each layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from minunet.data.class_colours import VERMILION
from minunet.results.figures import contact_sheet
from minunet.results.picture import resize_to_width

TILE = 190
MAPS = 6  # of each layer in the sheet of all layers


@dataclass(frozen=True)
class LayerMaps:
    """The feature maps of one layer.

    Attributes
    ----------
    name : str
    maps : ndarray, (h, w, channels)
        What the layer computed.
    receptive_field : int
        The side in pixels of the part of the input that a position depends on.
    """

    name: str
    maps: np.ndarray
    receptive_field: int

    @property
    def silent(self) -> int:
        """The number of channels that have one value everywhere."""
        flat = self.maps.reshape(-1, self.maps.shape[2])
        return int(np.count_nonzero(flat.max(axis=0) == flat.min(axis=0)))

    def strongest(self, count: int) -> list[int]:
        """The channels that differ most over the image, in their order."""
        spread = self.maps.reshape(-1, self.maps.shape[2]).std(axis=0)
        return sorted(np.argsort(-spread, kind="stable")[:count].tolist())

    def describe(self) -> str:
        """The layer in a line."""
        height, width, channels = self.maps.shape
        silent = f", {self.silent} of them the same everywhere" if self.silent else ""
        return f"{self.name}: {width}x{height}, {channels} channels{silent}; sees {self.receptive_field} pixels"


def last_of_blocks(layers: Sequence[LayerMaps]) -> list[LayerMaps]:
    """Of each block its last convolution."""
    last = {layer.name.partition(".convs.")[0]: layer for layer in layers if not layer.name.endswith(".up")}
    return list(last.values())


def scaled_map(values: np.ndarray) -> np.ndarray:
    """One feature map (h, w) as float32 in [0, 1]: 0 is its smallest value, 1 its largest; one that is the same everywhere is 0."""
    low, high = float(values.min()), float(values.max())
    return np.zeros(values.shape, np.float32) if high == low else ((values - low) / (high - low)).astype(np.float32)


def as_tile(values: np.ndarray) -> np.ndarray:
    """One feature map as a picture (h, w) in [0, 1]: black is its smallest value, white its largest."""
    scaled = scaled_map(values)
    times = -(-TILE // values.shape[1])  # a small map is enlarged with its pixels visible
    return np.kron(scaled, np.ones((times, times), np.float32)) if times > 1 else scaled


def filter_tiles(weight: np.ndarray) -> list[np.ndarray]:
    """The filters of the first convolution as pictures.

    Parameters
    ----------
    weight : ndarray, (kh, kw, C_in, C_out)

    Returns
    -------
    list of ndarray
        (kh, kw) or, for three channels, (kh, kw, 3), in [0, 1]: grey is 0, and all filters have one scale.
    """
    largest = float(np.abs(weight).max()) or 1.0
    scaled = (0.5 + weight / (2 * largest)).astype(np.float32)
    if weight.shape[2] == 3:
        return [scaled[..., k] for k in range(weight.shape[3])]
    return [scaled[:, :, 0, k] for k in range(weight.shape[3])]


def layer_sheet(
    image: np.ndarray, layers: Sequence[LayerMaps], probability: np.ndarray, *, heading: str
) -> Image.Image:
    """The image, a row of feature maps for each layer, and the probability.

    Parameters
    ----------
    image : ndarray, (H, W), (H, W, 1) or (H, W, 3)
    layers : sequence of LayerMaps
    probability : ndarray, (H, W)
    heading : str

    Returns
    -------
    PIL image, RGB
    """
    tiles: list[np.ndarray | Image.Image] = []
    captions = []
    for layer in layers:
        channels = layer.strongest(MAPS)
        tiles += [as_tile(layer.maps[..., channel]) for channel in channels]
        tiles += [np.ones(layer.maps.shape[:2], np.float32)] * (MAPS - len(channels))
        captions += [f"{layer.name} [{channel}]" for channel in channels] + [""] * (MAPS - len(channels))
    blank = np.ones(image.shape[:2], np.float32)
    scale = image.shape[1] / layers[0].maps.shape[1]
    squares = with_squares(image, [layer.receptive_field * scale for layer in layers])
    ends: list[np.ndarray | Image.Image] = [image, squares, probability, *[blank] * (MAPS - 3)]
    titles = ["image", "what a value of each row sees", "probability", *[""] * (MAPS - 3)]
    return contact_sheet([*ends, *tiles], MAPS, [*titles, *captions], tile_width=TILE, heading=heading)


def with_squares(image: np.ndarray, sides: Sequence[float]) -> Image.Image:
    """An image with squares around its middle, whose sides are in its pixels."""
    picture = resize_to_width(image, 2 * TILE)
    scale = picture.width / image.shape[1]
    pen = ImageDraw.Draw(picture)
    for side in sorted(set(sides)):
        half = side * scale / 2
        box = [picture.width / 2 - half, picture.height / 2 - half, picture.width / 2 + half, picture.height / 2 + half]
        for width, colour in ((5, "white"), (3, VERMILION)):
            pen.rectangle(box, outline=colour, width=width)
    return picture


def one_layer_sheet(layer: LayerMaps, *, heading: str, columns: int = 8) -> Image.Image:
    """Every feature map of one layer."""
    count = layer.maps.shape[2]
    tiles = [as_tile(layer.maps[..., channel]) for channel in range(count)]
    return contact_sheet(tiles, columns, [str(channel) for channel in range(count)], tile_width=TILE, heading=heading)


def filter_sheet(weight: np.ndarray, *, heading: str, columns: int = 8) -> Image.Image:
    """The filters of the first convolution, enlarged."""
    tiles = [np.kron(tile, np.ones((16, 16) + (1,) * (tile.ndim - 2), np.float32)) for tile in filter_tiles(weight)]
    captions = [str(number) for number in range(len(tiles))]
    return contact_sheet(tiles, columns, captions, tile_width=TILE // 2, heading=heading)
