"""Class indices: exact values, values near a class, and edges filled in from the pixels beside them."""

import numpy as np

from minunet.data.reading.class_index import class_of_values, class_tolerance, filled
from minunet.data.reading.mask_classes import MaskClass

CLASSES = [MaskClass("background", "0"), MaskClass("red", "100,110"), MaskClass("white", "200-255")]


def test_values_have_the_class_that_names_them():
    values = np.array([0, 99, 100, 110, 200, 255])
    assert class_of_values(values, CLASSES, colours=False).tolist() == [0, -1, 1, 1, 2, 2]


def test_noise_up_to_a_quarter_of_the_distance_of_two_classes():
    classes = [MaskClass("background", "0"), MaskClass("red", "100"), MaskClass("white", "200")]
    assert class_tolerance(classes, colours=False) == 25
    values = np.array([20, 30, 90, 180])
    assert class_of_values(values, classes, colours=False, tolerance=25).tolist() == [0, -1, 1, 2]
    far = [MaskClass("background", "#000000"), MaskClass("red", "#ff0000")]
    assert class_tolerance(far, colours=True) == 60


def test_an_edge_has_the_class_beside_it_whose_value_is_nearest():
    classes = [MaskClass("background", "0"), MaskClass("red", "100"), MaskClass("white", "200")]
    values = np.array([[0, 0, 60, 100, 100, 140, 150, 170, 200]])
    index = class_of_values(values, classes, colours=False)
    # 140 lies beside red only at first; 150 between two unknown ones follows its neighbours.
    assert filled(index, values, classes, colours=False).tolist() == [[0, 0, 1, 1, 1, 1, 1, 2, 2]]


def test_a_mask_without_a_known_value_stays_without_classes():
    values = np.full((2, 2), 7)
    index = class_of_values(values, CLASSES, colours=False)
    assert (filled(index, values, CLASSES, colours=False) == -1).all()
