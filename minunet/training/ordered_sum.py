"""A sum in a fixed order: terms are added in a binary tree, so that the result does not depend on who adds which of them.

Floating-point addition is not associative. Here the numbers of the terms alone say which sums are added to each other: terms 0
and 1, terms 2 and 3, then these two sums, and so on. Whoever has neighbouring terms can add up whole branches of the tree, and
only the sums at the top of these have to be brought together.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Branch(NamedTuple):
    """The sum of 2**height neighbouring terms; at the right edge of the tree there may be fewer.

    Attributes
    ----------
    start : int
        The number of the first term.
    height : int
    value : array, or None where only the shape of the tree is of interest
    """

    start: int
    height: int
    value: Any


class OrderedSum:
    """The sums so far of a number of terms, as branches of one tree.

    Parameters
    ----------
    count : int
        How many terms there are in all.

    Attributes
    ----------
    branches : list of Branch
        Those that cannot be added to each other, in the order of the terms; one, once all terms have been added.

    Examples
    --------
    >>> import numpy as np
    >>> total = OrderedSum(3)
    >>> for number in range(3):
    ...     total.add(Branch(number, 0, np.float32(10**number)))
    >>> total.branches
    [Branch(start=0, height=2, value=np.float32(111.0))]
    """

    def __init__(self, count: int):
        self.count = count
        self.branches: list[Branch] = []

    def add(self, branch: Branch) -> None:
        """Add the next branch in the order of the terms; the value of the branch on its left is changed in place."""
        start, height, value = branch
        while True:
            width = 1 << height
            is_right = bool(start & width)
            left = self.branches[-1] if self.branches else None
            if is_right and left is not None and (left.start, left.height) == (start - width, height):
                self.branches.pop()
                if value is not None:
                    total = left.value
                    total += value
                    value = total
                start, height = left.start, height + 1
            elif not is_right and width < self.count <= start + width:
                height += 1  # there is nothing on its right
            else:
                self.branches.append(Branch(start, height, value))
                return


def branches_of(first: int, last: int, count: int) -> list[Branch]:
    """The branches, without values, that the terms from `first` to before `last` of `count` terms add up to."""
    total = OrderedSum(count)
    for number in range(first, last):
        total.add(Branch(number, 0, None))
    return total.branches
