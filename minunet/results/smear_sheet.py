"""The contact sheet of a set of drawn smears: some of them, and below each the same with the outline of every cell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from minunet.results.figures import contact_sheet
from minunet.results.overlay import line_width, overlay

TILE_WIDTH = 260  # of each smear on the sheet, in pixels


def smear_sheet(folder: Path, names: Sequence[str]) -> Image.Image:
    """Draw the sheet.

    Parameters
    ----------
    folder : Path
        Of the set, as `minunet.data.synthetic.write_set` writes it.
    names : sequence of str
        Of the smears to show.
    """
    tiles, captions = [], []
    for name in names:
        with (
            Image.open(folder / "images" / f"{name}.png") as image,
            Image.open(folder / "instances" / f"{name}.png") as instance_image,
        ):
            pixels, instances = np.asarray(image), np.asarray(instance_image)
        outlined = np.asarray(overlay(pixels, instances, thickness=line_width(pixels.shape, TILE_WIDTH)))
        gap = np.full((max(2, pixels.shape[0] // 64), pixels.shape[1], 3), 255, np.uint8)
        tiles.append(np.concatenate([pixels, gap, outlined]))
        captions.append(f"{name}: {len(np.unique(instances[instances > 0]))} cells")
    return contact_sheet(tiles, columns=4, captions=captions, tile_width=TILE_WIDTH)
