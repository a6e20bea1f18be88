"""The class legend: the classes that cells can have, and their colours."""

import numpy as np

from minunet.data.class_legend import ClassLegend
from minunet.data.reading.mask_classes import MaskClass

CLASSES = (
    MaskClass("background", "0"),
    MaskClass("white", "1"),
    MaskClass("nucleus", "2", "white"),
    MaskClass("red", "3"),
)


def test_a_class_inside_another_is_no_kind_of_cell():
    legend = ClassLegend.of([mask_class.name for mask_class in CLASSES], CLASSES)
    assert legend.outer == (0, 1, 1, 3) and legend.kinds == (1, 3) and legend.kind_names == ["white", "red"]
    assert legend.colours.shape == (4, 3) and legend.colour_of("red") == tuple(legend.colours[3].tolist())


def test_masks_with_other_names_say_nothing_of_the_classes_of_a_model():
    legend = ClassLegend.of(("background", "a", "b", "c"), CLASSES)
    assert legend.outer == (0, 1, 2, 3)
    assert ClassLegend.of(("background", "cell"), ()).kinds == (1,)
    assert np.array_equal(legend.colours[0], [0, 0, 0])
