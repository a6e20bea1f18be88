"""Bright discs on noise and their masks: the smallest smears that a network learns within seconds."""

import numpy as np
from PIL import Image


def write_discs(folder, count, size, squared_radius, black=0, white=255, coloured=False):
    """Write `images/NAME.png` and `masks/NAME.png`; `size` is (width, height), a mask has the greys `black` and `white`."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[: size[1], : size[0]]
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number in range(count):
        row, column = rng.uniform(6, size[1] - 6), rng.uniform(6, size[0] - 6)
        cell = (rows - row) ** 2 + (columns - column) ** 2 < squared_radius
        image = np.clip(60 + 120 * cell + rng.normal(0, 20, cell.shape), 0, 255).astype(np.uint8)
        if coloured:
            image = np.stack([image, image // 2, image // 3 * 2], axis=-1)
        Image.fromarray(image).save(folder / "images" / f"cell{number}.png")
        Image.fromarray(np.where(cell, white, black).astype(np.uint8)).save(folder / "masks" / f"cell{number}.png")
    return folder
