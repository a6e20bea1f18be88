"""Images of bright discs, a network that calls what is bright a cell, and the tables that `python -m minunet.predict` writes."""

import csv

import numpy as np
import tifffile
from PIL import Image

from minunet import UNet
from tests.cells.drawn_cells import disc


def bright_is_cell():
    """A network whose logit is 20 (brightness - 1/2): it calls what is bright a cell."""
    network = UNet(base_channels=1, depth=1, variant="classic", rng=np.random.default_rng(0))
    for name, parameter in network.named_parameters():
        parameter.data[...] = 0
        if name.endswith("weight") and parameter.data.ndim == 4:
            middle = parameter.data.shape[0] // 2
            parameter.data[middle, middle, 0, 0] = 1  # hands the brightness on, by way of the skip
    head_weight, head_bias = [parameter for _, parameter in network.named_parameters()][-2:]
    head_weight.data[...] *= 20
    head_bias.data[...] = -10
    return network


def draw(path, *discs, shape=(64, 96)):
    """An image of bright discs (y, x, radius)."""
    cell = sum((disc(shape, *place) for place in discs), np.zeros(shape, bool)) > 0
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.where(cell, 230, 30).astype(np.uint8)
    if path.suffix == ".tif":
        tifffile.imwrite(path, pixels, resolution=(1e4 / 0.2, 1e4 / 0.2), resolutionunit="CENTIMETER")
    else:
        Image.fromarray(pixels).save(path)
    return path


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def flat(text):
    return " ".join(text.split())
