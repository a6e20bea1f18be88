"""The mirrored border: images of any size go into a network that halves them, without black beside them."""

from dataclasses import replace

import numpy as np

from minunet.data.reading.preprocessing import Preprocessing
from minunet.inference.loaded_model import LoadedModel
from minunet.inference.mirrored_border import with_mirrored_border
from minunet.nn.unet import UNet

IMAGE = np.random.default_rng(0).uniform(0, 1, (1, 13, 9, 1)).astype(np.float32)


def test_the_image_is_continued_by_its_mirror_image():
    padded = with_mirrored_border(IMAGE, (16, 32))
    assert np.array_equal(padded[:, :13, :9], IMAGE)
    assert np.array_equal(padded[:, 13:16, :9], IMAGE[:, 12:9:-1])
    assert np.array_equal(padded[:, :13, 9:18], IMAGE[:, :, ::-1]) and padded.shape == (1, 16, 32, 1)
    assert with_mirrored_border(IMAGE, (13, 9)) is IMAGE


def test_a_model_of_one_cell_diameter_sees_the_mirror_image_and_others_see_zeros():
    network = UNet(1, 1, base_channels=2, depth=2)
    network.eval()
    plain = LoadedModel(network, Preprocessing(), config=network.config)
    scaled = LoadedModel(network, replace(plain.preprocessing, diameter=16.0), config=network.config)
    whole = plain.output_logits(with_mirrored_border(IMAGE, (16, 12)))
    assert np.array_equal(scaled.output_logits(IMAGE), whole[:, :13, :9])
    assert not np.array_equal(plain.output_logits(IMAGE), whole[:, :13, :9])
