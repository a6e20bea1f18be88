"""Small evaluations: discs to score, a model trained on them, the command, and the numbers that it writes."""

import functools
import json

import numpy as np
from PIL import Image

from minunet import UNet, optim
from minunet import functional as F
from minunet.checkpoints.model_writing import write_model
from minunet.data.pairs import find_pairs
from minunet.data.reading.preprocessing import Preprocessing
from minunet.evaluate import main

SIZE = (16, 12)


def draw(folder, names, seed=0, size=(32, 24)):
    """Bright discs on a dark ground, and their masks."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices(size[::-1])
    for name in names:
        middle, radius = rng.uniform(6, 18, 2), rng.uniform(4, 8)
        mask = (rows - middle[0]) ** 2 + (columns - middle[1]) ** 2 < radius**2
        image = (40 + 160 * mask + rng.integers(0, 40, mask.shape)).astype(np.uint8)
        for kind, pixels in (("images", image), ("masks", mask.astype(np.uint8) * 255)):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / kind / f"{name}.png")
    return folder


def trained_model(folder, preprocessing, data):
    """The file of a model that learnt the pairs of `data`."""
    return write_model(folder / "model.safetensors", trained_network(data), preprocessing)


@functools.cache
def trained_network(data):
    """A network that learnt the pairs of `data`; not to be changed."""
    model = UNet(base_channels=4, depth=1, rng=np.random.default_rng(0))
    optimizer = optim.Adam(model.parameters(), lr=0.02)
    with_size = Preprocessing(size=SIZE)
    pairs = find_pairs(data)
    images = np.stack([with_size.image(np.asarray(Image.open(pair.image))) for pair in pairs])
    masks = np.stack([with_size.target(np.asarray(Image.open(pair.mask))) for pair in pairs])
    for _ in range(60):
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(model(images), masks).backward()
        optimizer.step()
    return model


def run(*arguments):
    """Exit code of the command."""
    return main([str(argument) for argument in arguments])


def numbers(folder="out"):
    """The content of an evaluation's metrics.json."""
    with open(f"{folder}/metrics.json", encoding="utf-8") as file:
        return json.load(file)


def flat(text):
    """The text as one line, whatever the folding."""
    return " ".join(text.split())
