"""Pixel outlines: the border of a cell along the sides of its pixels, from which exactly the same pixels can be filled again."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

STEPS = {0: (0, 1), 1: (1, 0), 2: (0, -1), 3: (-1, 0)}  # right, down, left, up, as (row, column)


def pixel_outlines(cell: np.ndarray) -> list[np.ndarray]:
    """The outlines of a cell as closed loops of corners.

    Parameters
    ----------
    cell : ndarray, (h, w) bool

    Returns
    -------
    list of ndarray, (N, 2) int
        The corners x, y of each loop; (0, 0) is the upper left corner of the first pixel, and the last corner is followed by the
        first one. Loops around pixels go clockwise as seen on the screen, those around holes counter-clockwise. The longest loop
        comes first. Pixels that meet at a corner only are in loops of their own.
    """
    padded = np.pad(cell, 1)
    inner = padded[1:-1, 1:-1]
    starts: dict[tuple[int, int], list[int]] = defaultdict(list)  # the sides that begin at a corner, by their direction
    # A side belongs to the pixel on its right hand.
    for direction, neighbour, (down, right) in (
        (0, padded[:-2, 1:-1], (0, 0)),  # above: from the upper left corner to the right
        (1, padded[1:-1, 2:], (0, 1)),  # on the right: from the upper right corner downwards
        (2, padded[2:, 1:-1], (1, 1)),  # below: from the lower right corner to the left
        (3, padded[1:-1, :-2], (1, 0)),  # on the left: from the lower left corner upwards
    ):
        for row, column in np.argwhere(inner & ~neighbour).tolist():
            starts[row + down, column + right].append(direction)
    loops = []
    while starts:
        first = next(iter(starts))
        corner, direction, loop = first, starts[first][0], list[tuple[int, int]]()
        while corner in starts and (not loop or corner != first):
            # Where two pixels meet at a corner, the loop turns right and so stays at its own pixel.
            options = starts[corner]
            chosen = min(options, key=lambda option: (direction + 1 - option) % 4) if loop else direction
            options.remove(chosen)
            if not options:
                del starts[corner]
            if not loop or chosen != direction:
                loop.append((corner[1], corner[0]))
            direction = chosen
            corner = corner[0] + STEPS[chosen][0], corner[1] + STEPS[chosen][1]
        loops.append(np.array(loop))
    return sorted(loops, key=len, reverse=True)
