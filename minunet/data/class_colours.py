"""Class colours: the colour in which a class is shown, in pictures and in the palettes of masks.

The first eight are those of Okabe and Ito, which people with a colour vision deficiency tell apart; more are spread over the hues.
"""

from __future__ import annotations

import colorsys

import numpy as np

BACKGROUND = (0, 0, 0)
# Okabe, M. and Ito, K. (2008). Color universal design: how to make figures that are friendly to colorblind people.
VERMILION, BLUE = (213, 94, 0), (0, 114, 178)
FOREGROUND = (
    VERMILION,
    (86, 180, 233),  # sky blue
    BLUE,
    (240, 228, 66),  # yellow
    (204, 121, 167),  # reddish purple
    (0, 158, 115),  # bluish green
    (230, 159, 0),  # orange
)
GOLDEN = 0.618034  # steps of this share of the circle of hues never come close to each other again soon


def class_colours(count: int) -> np.ndarray:
    """The colours of `count` classes, (count, 3) uint8; the first class is the background, black.

    Examples
    --------
    >>> class_colours(3).tolist()
    [[0, 0, 0], [213, 94, 0], [86, 180, 233]]
    """
    colours = [BACKGROUND, *FOREGROUND][:count]
    for number in range(count - len(colours)):
        red, green, blue = colorsys.hsv_to_rgb(number * GOLDEN % 1, 0.6, 0.75)
        colours.append((round(255 * red), round(255 * green), round(255 * blue)))
    return np.array(colours, np.uint8).reshape(count, 3)
