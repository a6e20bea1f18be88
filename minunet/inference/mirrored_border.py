"""The mirrored border: what is beside an image whose sides the network cannot halve as often as it does.

The network itself adds zeros at the bottom and right, which are black. A model whose images all have one size knows them; a model
that gets images of any size, each brought to one cell diameter, takes them for cells. For it, the image is continued by its mirror
image.
"""

from __future__ import annotations

import numpy as np


def with_mirrored_border(images: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Images (N, h, w, C) continued by their mirror image at the bottom and right, up to a shape (H, W) of at least (h, w).

    Examples
    --------
    >>> with_mirrored_border(np.array([1.0, 2.0, 3.0]).reshape(1, 1, 3, 1), (1, 5)).ravel()
    array([1., 2., 3., 3., 2.])
    """
    height, width = images.shape[1:3]
    if shape == (height, width):
        return images
    return np.pad(images, ((0, 0), (0, shape[0] - height), (0, shape[1] - width), (0, 0)), mode="symmetric")
