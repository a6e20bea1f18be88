"""Tiled logits: the logits of images that need too much memory, from overlapping tiles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minunet.data.tiling import predict_tiled
from minunet.inference.tile_size import tiling


def tiled_logits(run: Callable[[np.ndarray], np.ndarray], inputs: np.ndarray, config: Mapping[str, Any]) -> np.ndarray:
    """The logits of images, each computed tile by tile.

    Parameters
    ----------
    run : callable
        Gives the logits (N, h, w, K) of images (N, h, w, C).
    inputs : ndarray
        (N, H, W, C) float32, as `Preprocessing.image` prepares them.
    config : mapping
        The architecture of the U-Net, as in `UNet.config`.

    Returns
    -------
    ndarray
        (N, H, W, K) float32.
    """
    side, margin, align = tiling(config, inputs.shape[2])
    shape = inputs.shape[1:3]
    predicted = [  # each (H, W, K)
        predict_tiled(lambda tile: run(tile[None])[0], image, side, margin, align=align).reshape(*shape, -1)
        for image in inputs
    ]
    return predicted[0][None] if len(predicted) == 1 else np.stack(predicted)  # a large image is not copied
