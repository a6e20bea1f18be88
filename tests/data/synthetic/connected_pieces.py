"""The connected pieces of a mask, found by flooding."""

from collections import deque

import numpy as np


def pieces(mask):
    """Number of 4-connected pieces, by flooding."""
    left = {(int(row), int(column)) for row, column in zip(*np.nonzero(mask), strict=True)}
    count = 0
    while left:
        count += 1
        queue = deque([left.pop()])
        while queue:
            row, column = queue.popleft()
            for pixel in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
                if pixel in left:
                    left.remove(pixel)
                    queue.append(pixel)
    return count
