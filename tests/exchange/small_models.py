"""Small models of every kind that minunet trains, for the tests of the files of other programs."""

import numpy as np
import pytest

from minunet.data.outputs import Outputs
from minunet.data.reading.image_range import ImageRange
from minunet.data.reading.preprocessing import Preprocessing
from minunet.inference.loaded_model import LoadedModel
from minunet.nn.unet import UNet

CLASSES = ("background", "red", "white")


def small_model(channels="grey", outputs=None, size=None, diameter=None, image_range=None, **settings):
    """A network with random weights and biases, and its preprocessing."""
    rng = np.random.default_rng(5)
    outputs = outputs or Outputs()
    in_channels = {"grey": 1, "rgb": 3}.get(channels, len(channels.split(",")))
    settings = {"base_channels": 2, "depth": 1, **settings}
    unet = UNet(in_channels, outputs.channels, **settings, rng=rng)
    for name, parameter in unet.named_parameters():
        if name.endswith("bias"):
            parameter.data[:] = rng.normal(0, 0.3, parameter.shape)
    unet.eval()
    preprocessing = Preprocessing(channels=channels, size=size, diameter=diameter, range=image_range)
    return LoadedModel(unet, preprocessing, outputs=outputs)


KINDS = {
    "paper, grey": small_model(),
    "classic, rgb": small_model("rgb", variant="classic", depth=2),
    "tanh, average": small_model(activation="tanh", pooling="average", variant="classic"),
    "sigmoid, sum": small_model(activation="sigmoid", pooling="sum", depth=2),
    "no ReLU at the end": small_model("rgb", block_end_relu=False),
    "deep": small_model(depth=5),
    "classes": small_model("rgb", Outputs(CLASSES)),
    "separation": small_model("grey", Outputs(separation="distance")),
    "classes and separation": small_model("2,0", Outputs(CLASSES, "seam")),
    "one cell diameter": small_model(diameter=12.0, depth=3),
    "resized": small_model(size=(48, 36), image_range=ImageRange(20.0, 230.0, ("uint8",))),
    "16 bits": small_model(image_range=ImageRange(100.0, 4000.0, ("uint16",))),
}

QUICK = ("paper, grey", "classes and separation", "one cell diameter", "resized")
EACH_KIND = [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.ci) for kind in KINDS]
