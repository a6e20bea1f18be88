"""Nested classes: which class of a set of masks lies in another one, as nuclei lie in white cells.

Both together are then one cell, which has the name of the outer class.
"""

from __future__ import annotations

import numpy as np

from minunet.data.reading.mask_levels import MaskLevels

INSIDE = 0.5  # of the border of a class that lies in another, at least this share is to that one


def nested_classes(levels: MaskLevels, members: np.ndarray) -> dict[int, int]:
    """The classes that lie in another.

    Parameters
    ----------
    levels : MaskLevels
    members : ndarray of int, (levels,)
        The index of the class of each level; 0 is the background, -1 is no class.

    Returns
    -------
    dict of int to int
        The index of the class around each class that lies in one. A class lies in another if most of its border is to that one; of
        two that have most of their border in common, the one with less border to the background lies in the other.
    """
    neighbours = levels.neighbours
    if neighbours is None:
        return {}
    count = int(members.max()) + 1
    border = np.zeros((count, count), np.int64)  # between classes
    known = members >= 0
    np.add.at(border, (members[known][:, None], members[known][None, :]), neighbours[np.ix_(known, known)])
    np.fill_diagonal(border, 0)
    share = border / np.maximum(border.sum(axis=1, keepdims=True), 1)
    nested: dict[int, int] = {}
    for inner in sorted(range(1, count), key=lambda place: share[place, 0]):  # the least border to the background first
        outer = 1 + int(np.argmax(share[inner, 1:])) if count > 1 else 0
        is_inner = share[inner, outer] > INSIDE and share[inner, 0] < share[outer, 0]
        if is_inner and outer not in nested and inner not in nested.values():
            nested[inner] = outer
    return nested
