"""Bright squares as a source of batches, and a small model "on a GPU" to learn from them."""

from __future__ import annotations

import numpy as np

from minunet import UNet, optim
from minunet.data.crops import Sample
from minunet.data.outputs import Outputs


class Squares:
    """Bright squares; batches of two and, at the end, one.

    With classes the squares are of class 1 and 2 in turn. With a separation the targets also hold a value that separates
    squares, and the weight of each pixel, here 1 and 3. With `ignored`, a column of each image counts for nothing, and one
    image wholly.
    """

    def __init__(
        self,
        side: int = 8,
        broken: int | None = None,
        scale: float = 1,
        *,
        classes: bool = False,
        separation: bool = False,
        ignored: bool = False,
    ):
        self.side, self.broken, self.scale = side, broken, np.float32(scale)
        self.classes, self.separation, self.ignored = classes, separation, ignored
        self.outputs = Outputs(
            ("background", "odd", "even") if classes else (), separation="distance" if separation else None
        )

    def __len__(self):
        return 3

    def epoch(self, index, start=0):
        rng = np.random.default_rng([5, index])
        for number, count in enumerate((2, 2, 1)):
            masks = np.zeros((count, self.side, self.side, 1), np.float32)
            for mask in masks:
                row, column = rng.integers(0, self.side - 4, 2)
                mask[row : row + 4, column : column + 4] = 1
            images = 0.7 * masks + rng.uniform(0, 0.3, masks.shape).astype(np.float32)
            if number == self.broken:
                images[0, 2, 2] = np.nan
            if self.classes:
                masks[1::2] *= 2
            if self.separation:
                masks = np.concatenate([masks, masks / 2, 1 + 2 * np.roll(masks, 1, axis=1)], axis=-1)
            if self.ignored:
                masks[:, :, number, 0] = -1
                masks[-1, ..., 0] = np.where(number == 1, -1, masks[-1, ..., 0])
            if number >= start:
                yield images * self.scale, masks, [Sample(f"{number}.{k}") for k in range(count)]


def start(device="cuda", **settings):
    """A classic U-Net of base 8 and depth 1 on a device, and its Adam; the settings are those of `UNet`."""
    model = UNet(**{"base_channels": 8, "depth": 1, "variant": "classic", "rng": np.random.default_rng(0), **settings})
    model.to(device)
    return model, optim.Adam(model.parameters(), lr=1e-3)
