"""The section of the layers: which part of an image it shows, and what the table says."""

import numpy as np
import pytest

from minunet import UNet
from minunet.data.reading.preprocessing import Preprocessing
from minunet.inference.loaded_model import LoadedModel
from minunet.runs import layer_report
from minunet.runs.layer_report import layer_maps, layers_section, middle_layers_section


def model(**preprocessing):
    return LoadedModel(UNet(base_channels=2, depth=1, rng=np.random.default_rng(0)), Preprocessing(**preprocessing))


IMAGE = np.random.default_rng(1).integers(0, 256, (40, 60), np.uint8)


def test_every_convolution_has_a_row():
    native = model()
    section = layers_section(native, IMAGE, "smear", layer_maps(native, IMAGE))
    assert [column.name for column in section.table.columns] == [
        "layer",
        "width",
        "height",
        "channels",
        "silent",
        "sees_px",
    ]
    assert section.table.rows[0][:4] == ["contraction.0.convs.0", "60", "40", "2"]
    assert section.table.rows[-1][0] == "head"
    assert "makes of smear:" in section.paragraphs[0]


@pytest.mark.parametrize(
    ("preprocessing", "part", "input_size"),
    [
        ({}, "the middle of smear (30x20 pixels)", ("30", "20")),
        ({"size": (24, 16)}, "smear", ("24", "16")),
        ({"size": (48, 32)}, "the middle of smear (37x25 pixels)", ("30", "20")),
    ],
)
def test_of_a_large_image_the_middle_is_shown(monkeypatch, preprocessing, part, input_size):
    monkeypatch.setattr(layer_report, "MOST_PIXELS", 30 * 20)
    section = middle_layers_section(model(**preprocessing), IMAGE, "smear")
    assert f"makes of {part}:" in section.paragraphs[0]
    assert tuple(section.table.rows[0][1:3]) == input_size
    assert section.folded
