"""The plain network: the forward pass of a trained U-Net on one image, in a page of NumPy.

Arrays are (H, W, C). Every convolution is a matrix product: one row for each pixel, with the values that are around it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

BAND_VALUES = 1 << 20  # of the matrix of a convolution that is in memory at a time: 4 MB, which stay in the cache


def plain_logits(weights: Mapping[str, np.ndarray], config: Mapping[str, Any], image: np.ndarray) -> np.ndarray:
    """The logits of a U-Net.

    Parameters
    ----------
    weights : mapping of str to ndarray
        By the names of `UNet.named_parameters()`. Those of convolutions are (kh, kw, C_in, C_out).
    config : mapping
        The architecture, as in `UNet.config`.
    image : ndarray, (H, W, in_channels) float32
        Of any size: where a side is not a multiple of 2**depth, zeros are added at the bottom and right, and cropped at the end.

    Returns
    -------
    ndarray, (H, W, out_channels) float32
    """
    height, width = image.shape[:2]
    depth, per_block = config["depth"], 3 if config["variant"] == "paper" else 2
    bottom, right = -height % 2**depth, -width % 2**depth
    x = np.pad(image, ((0, bottom), (0, right), (0, 0)))
    skips = []
    for level in range(depth):
        x = _block(weights, config, f"contraction.{level}", x, per_block, config["block_end_relu"])
        skips.append(x)
        x = _pooled(x, config["pooling"])
    x = _block(weights, config, "bottleneck", x, 2)
    for place in range(depth):
        name = f"expansion.{place}"
        x = _doubled(x, weights[f"{name}.up.weight"], weights[f"{name}.up.bias"])
        x = _block(weights, config, f"{name}.block", np.concatenate([skips.pop(), x], axis=-1), 2)
    return _convolved(x, weights["head.weight"], weights["head.bias"])[:height, :width]


def _block(
    weights: Mapping[str, np.ndarray],
    config: Mapping[str, Any],
    name: str,
    x: np.ndarray,
    count: int,
    active_end: bool = True,
) -> np.ndarray:
    """So many convolutions, each followed by the activation; after the last one there may be none."""
    for k in range(count):
        x = _convolved(x, weights[f"{name}.convs.{k}.weight"], weights[f"{name}.convs.{k}.bias"])
        if k < count - 1 or active_end:
            _activate(x, config["activation"])
    return x


def _convolved(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """A convolution with a kernel of 1x1, or of 3x3 with zeros around the image: (H, W, C_in) -> (H, W, C_out)."""
    size, _, c_in, c_out = weight.shape
    height, width = x.shape[:2]
    matrix = weight.reshape(-1, c_out)  # (size * size * C_in, C_out)
    result = np.empty((height, width, c_out), np.float32)
    around = np.pad(x, ((size // 2, size // 2), (size // 2, size // 2), (0, 0))) if size > 1 else x
    rows = max(1, BAND_VALUES // (width * len(matrix)))
    for top in range(0, height, rows):
        band = around[top : top + rows + size - 1]
        count = len(band) - size + 1
        parts = [band[i : i + count, j : j + width] for i in range(size) for j in range(size)]
        values = np.concatenate(parts, axis=-1) if size > 1 else band  # (rows, W, size * size * C_in)
        np.matmul(values, matrix, out=result[top : top + count])
    result += bias
    return result


def _doubled(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """A transposed convolution of 2x2 with stride 2, in which each pixel becomes four: (h, w, C_in) -> (2 h, 2 w, C_out)."""
    height, width, c_in = x.shape
    c_out = weight.shape[3]
    values = x.reshape(-1, c_in) @ weight.transpose(2, 0, 1, 3).reshape(c_in, -1)  # (h w, 4 C_out)
    pixels = values.reshape(height, width, 2, 2, c_out).transpose(0, 2, 1, 3, 4)  # (h, 2, w, 2, C_out)
    return pixels.reshape(2 * height, 2 * width, c_out) + bias


def _pooled(x: np.ndarray, pooling: str) -> np.ndarray:
    """The maximum, the mean or the sum of each 2x2 pixels."""
    four = x[::2, ::2], x[::2, 1::2], x[1::2, ::2], x[1::2, 1::2]
    if pooling == "max":
        return np.maximum(np.maximum(four[0], four[1]), np.maximum(four[2], four[3]))
    total = four[0] + four[1] + four[2] + four[3]
    return total / np.float32(4) if pooling == "average" else total


def _activate(x: np.ndarray, activation: str) -> None:
    """Apply the activation to an array in place."""
    if activation == "relu":
        np.maximum(x, 0, out=x)
    elif activation == "tanh":
        np.tanh(x, out=x)
    else:  # sigmoid(x) = (1 + tanh(x / 2)) / 2, which cannot overflow
        x *= np.float32(0.5)
        np.tanh(x, out=x)
        x += 1
        x *= np.float32(0.5)
