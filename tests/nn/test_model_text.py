"""What `print` shows of a module: layers, shapes and numbers of parameters, in at most 20 lines."""

import numpy as np
import pytest

import minunet
from minunet import nn

CONV = "Conv2d(1, 2, 3, padding=1, activation='relu')"


def cells(line):
    """The columns of a line of the table."""
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


class Branch(nn.Module):
    def __init__(self, width, note="none"):
        self.width, self.note = width, note
        self.scale = nn.Parameter(np.ones(width, np.float32))
        self.layer = nn.Linear(width, 3)


def test_a_network_is_a_table_of_its_layers():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), Branch(2, "text"))
    assert str(model) == repr(model)
    assert [cells(line) for line in repr(model).splitlines()] == [
        ["Sequential(): 51 parameters"],
        ["name", "layer", "weights", "parameters"],
        ["0", "Conv2d(1, 4, 3)", "weight 3x3x1x4, bias 4", "40"],
        ["1", "ReLU()"],
        ["2", "Branch(2, note='text')", "scale 2", "2"],
        ["2.layer", "Linear(2, 3)", "weight 2x3, bias 3", "9"],
    ]


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("variant", ["paper", "classic"])
def test_a_unet_of_any_depth_has_at_most_twenty_lines(variant, depth):
    model = minunet.UNet(base_channels=1, depth=depth, variant=variant)
    first, headings, *rows = str(model).splitlines()
    assert len(rows) <= 18
    assert max(map(len, rows)) <= 132
    assert first.startswith(
        f"UNet(in_channels=1, out_channels=1, base_channels=1, depth={depth}, variant='{variant}'): "
    )
    total = sum(p.size for p in model.parameters())
    assert first.endswith(f" {total:,} parameters")
    assert sum(int(row.split()[-1].replace(",", "")) for row in rows) == total
    assert rows[0].split()[0].startswith("contraction.0")
    assert rows[-1].split()[0] == "head"


def test_parts_are_put_together_where_their_layers_are_too_many():
    lines = str(minunet.UNet(base_channels=2, depth=1)).splitlines()
    assert cells(lines[2]) == ["contraction.0.convs.0", CONV, "weight 3x3x1x2, bias 2", "20"]
    lines = str(minunet.UNet(base_channels=2, depth=4)).splitlines()
    assert cells(lines[2]) == ["contraction.0", "ConvBlock of 3 Conv2d", "3x3x1x2, 3x3x2x2, 3x3x2x2", "96"]
    assert "UpBlock of ConvTranspose2d, 2 Conv2d" in lines[7]


def test_more_layers_than_lines_are_left_out_in_the_middle():
    for count in (18, 19, 100):
        lines = str(nn.Sequential(*[nn.ReLU() for _ in range(count)])).splitlines()
        assert len(lines) <= 20
        assert lines[-1].split() == [f"{count - 1}", "ReLU()"]
        shown = sum("ReLU()" in line for line in lines)
        assert shown == count or f"  ... {count - shown} more layers ..." in lines


def test_a_shared_layer_is_counted_once():
    layer = nn.Linear(2, 2)
    lines = str(nn.Sequential(layer, layer)).splitlines()
    assert lines[0] == "Sequential(): 6 parameters"
    assert [line.split()[-1] for line in lines[2:]] == ["6", "shared"]


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (nn.Conv2d(1, 4, 3), "Conv2d(1, 4, 3): weight 3x3x1x4, bias 4; 40 parameters"),
        (nn.Conv2d(1, 2, (3, 1), 2, "same", activation="relu", bias=False), None),
        (nn.ConvTranspose2d(2, 3), "ConvTranspose2d(2, 3): weight 2x2x2x3, bias 3; 27 parameters"),
        (nn.Linear(2, 3).astype(np.float64), "Linear(2, 3): weight 2x3, bias 3; 9 parameters of float64"),
        (nn.MaxPool2d(), "MaxPool2d()"),
        (nn.SumPool2d(3, 2, (1, 0)), "SumPool2d(kernel_size=3, stride=2, padding=(1, 0))"),
        (nn.AvgPool2d((3, 2), count_include_pad=False), "AvgPool2d(kernel_size=(3, 2), count_include_pad=False)"),
        (nn.ReLU(), "ReLU()"),
        (nn.Softmax(1), "Softmax(axis=1)"),
        (nn.Dropout(0.2), "Dropout(p=0.2)"),
        (nn.Sequential(), "Sequential()"),
        (nn.Module(), "Module()"),
    ],
)
def test_a_layer_is_one_line_that_makes_it_again(layer, text):
    assert text is None or repr(layer) == text
    call, _, shapes = repr(layer).partition(": ")
    again = eval(call, {name: getattr(nn, name) for name in nn.__all__})
    assert repr(again).partition(": ")[0] == call
    assert [p.shape for p in again.parameters()] == [p.shape for p in layer.parameters()]


def test_long_settings_are_cut():
    assert len(repr(Branch(2, "x" * 1000)).splitlines()[0]) < 150


def test_settings_of_ones_own():
    class Own(nn.Module):
        def extra_repr(self):
            return "what I say"

    assert repr(Own()) == "Own(what I say)"
