"""Smears whose grey says the class, their masks, and a network that reads the class from the grey without a mistake."""

import numpy as np
from PIL import Image

from minunet import UNet
from minunet.cells.cell_choice import CellChoice
from minunet.cells.cell_settings import CellSettings
from minunet.checkpoints.model_writing import write_model
from minunet.data.outputs import Outputs
from minunet.data.reading.image_range import ImageRange
from minunet.data.reading.preprocessing import Preprocessing
from tests.data.reading.class_masks import NAMES, class_indices, reading, stored

GREYS = np.array([0, 60, 120, 180, 240], np.uint8)  # of the image, by the class
CLASSES = tuple(NAMES.split(","))


def write_smears(folder, count=6, values=(0, 1, 2, 3, 4), size=48, without=()):
    """`count` pairs in images/ and masks/, turned; the images with the numbers in `without` have no platelet."""
    for number in range(count):
        index = np.rot90(class_indices(size), number)
        if number in without:
            index = np.where(index == 4, 0, index)
        noise = np.random.default_rng(number).integers(0, 15, index.shape).astype(np.uint8)
        for kind, pixels in (("images", GREYS[index] + noise), ("masks", np.array(values, np.uint8)[index])):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.ascontiguousarray(pixels)).save(folder / kind / f"s{number}.png")
    return folder


def save_class_model(path, *, mask=None, names=NAMES):
    """A model whose most probable class is the one whose grey is nearest."""
    network = UNet(base_channels=1, depth=1, out_channels=5, variant="classic", rng=np.random.default_rng(0))
    for name, parameter in network.named_parameters():
        parameter.data[...] = 0
        if name.endswith("weight") and parameter.data.ndim == 4 and not name.startswith("head"):
            middle = parameter.data.shape[0] // 2
            parameter.data[middle, middle, 0, 0] = 1  # hands the brightness on, by way of the skip
    levels = (GREYS + 7.0) / 255
    weight, bias = [parameter for _, parameter in network.named_parameters()][-2:]
    weight.data[0, 0, 0] = 800 * levels  # 400 (x - level)^2 without what all classes share
    bias.data[...] = -400 * levels**2
    preprocessing = Preprocessing(
        crop=16, reading=reading(names, stored() if mask is None else mask), range=ImageRange(0.0, 255.0)
    )
    choice = CellChoice(CellSettings(smoothing=0.02, seed_height=0.1))
    return write_model(path, network, preprocessing, outputs=Outputs(tuple(names.split(","))), cell_choice=choice)
