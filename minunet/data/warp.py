"""Warps: smooth deformations of an image as coordinates, and bilinear resampling at such coordinates.

The coordinates of an affine map and of an elastic displacement are added first, so that pixels are interpolated only once.
"""

from __future__ import annotations

import functools

import numpy as np

from minunet.data.reading.resize import AxisWeights, apply_weights

GRID = 6  # intervals of the elastic grid along the shorter side
FOLD = 1 / 2.48  # of a grid interval: cubic B-spline displacements below it never fold (Choi and Lee 2000, theorem 1)


def affine_coordinates(shape: tuple[int, int], angle: float, scale: float) -> np.ndarray:
    """The source coordinates of each output pixel for an image that is rotated and scaled about its centre.

    Parameters
    ----------
    shape : (H, W)
    angle : float
        In radians; positive rotates the content counter-clockwise.
    scale : float
        Above 1 the content becomes larger.

    Returns
    -------
    ndarray, (2, H, W) float32
        Row and column in the source, in pixels.
    """
    height, width = shape
    down = np.arange(height, dtype=np.float32)[:, None] - np.float32((height - 1) / 2)
    right = np.arange(width, dtype=np.float32) - np.float32((width - 1) / 2)
    cosine, sine = np.float32(np.cos(angle) / scale), np.float32(np.sin(angle) / scale)
    coordinates = np.empty((2, height, width), np.float32)
    np.add(cosine * down + np.float32((height - 1) / 2), sine * right, out=coordinates[0])
    np.add(-sine * down + np.float32((width - 1) / 2), cosine * right, out=coordinates[1])
    return coordinates


def elastic_displacement(shape: tuple[int, int], rng: np.random.Generator, strength: float) -> np.ndarray:
    """A smooth random displacement of every pixel, as a cubic B-spline over a coarse grid of random vectors.

    The U-Net paper deforms its training images by a coarse grid of Gaussian vectors (Ronneberger et al. 2015, section
    3.1). For B-splines, used here in place of its bicubic interpolation, a bound is known below which the map is
    one-to-one (Choi and Lee, "Injectivity conditions of 2D and 3D uniform cubic B-spline functions", Graphical Models 62, 2000).

    Parameters
    ----------
    shape : (H, W)
    rng : Generator
    strength : float
        Standard deviation of the grid's vectors, in grid intervals; each component is clipped to 1 / 2.48.

    Returns
    -------
    ndarray, (2, H, W) float32
        Rows and columns to add, in pixels.
    """
    height, width = shape
    interval = max(min(shape) / GRID, 1.0)
    rows, columns = _spline_weights(height, interval), _spline_weights(width, interval)
    knots = rows.indices.max() + 1, columns.indices.max() + 1
    vectors = np.clip(rng.normal(0, strength, (2, *knots)), -FOLD, FOLD).astype(np.float32) * np.float32(interval)
    return apply_weights(apply_weights(vectors, columns, 2), rows, 1)  # (2, knots, knots) -> (2, knots, W) -> (2, H, W)


def resample(array: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
    """Interpolate an array bilinearly at the given coordinates; beyond its border it continues as its mirror image.

    Parameters
    ----------
    array : ndarray, (H, W, C) float32
    coordinates : ndarray, (2, h, w) float32
        Row and column of each output pixel.

    Returns
    -------
    ndarray, (h, w, C) float32
        Between the smallest and the largest value of the array.
    """
    height, width, channels = array.shape
    row, down = _cell(coordinates[0], height)
    column, right = _cell(coordinates[1], width)
    corner = row * width + column  # (h, w), into the flattened plane of a channel
    step_down, step_right = (width if height > 1 else 0), (1 if width > 1 else 0)
    result = np.empty((*corner.shape, channels), np.float32)
    for channel in range(channels):  # one plane at a time: NumPy is slow over a last axis of one to four values
        plane = array[..., channel].ravel()
        upper = _between(plane, corner, step_right, right)
        lower = _between(plane[step_down:], corner, step_right, right)
        lower -= upper
        lower *= down
        np.add(upper, lower, out=result[..., channel])
    return result


def nearest(array: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
    """The value of the pixel that is nearest to each of the given coordinates, with the arguments of `resample`."""
    height, width = array.shape[:2]
    row, down = _cell(coordinates[0], height)
    column, right = _cell(coordinates[1], width)
    return np.asarray(array[row + (down >= 0.5), column + (right >= 0.5)])


def _between(plane: np.ndarray, corner: np.ndarray, step: int, share: np.ndarray) -> np.ndarray:
    """Linear interpolation between each corner and the pixel one step on, of which `share` is the weight."""
    values = plane.take(corner, mode="clip")  # all are in bounds; clip avoids the check
    difference = plane[step:].take(corner, mode="clip")
    difference -= values
    difference *= share
    values += difference
    return values


def _cell(position: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """The pixel before each position and the share of the way to the next, for positions mirrored into the image."""
    last = np.float32(length - 1)
    if length == 1:
        return np.zeros(position.shape, np.intp), np.zeros(position.shape, np.float32)
    position = np.abs(position)
    if position.max() > 2 * last:
        position = np.mod(position, 2 * last)
    position = last - np.abs(last - position)
    before = np.minimum(position.astype(np.intp), length - 2)
    return before, position - before.astype(np.float32)


@functools.lru_cache(maxsize=32)
def _spline_weights(length: int, interval: float) -> AxisWeights:
    """Weights of the uniform cubic B-spline on knots `interval` pixels apart, the first one before the first pixel."""
    position = np.arange(length) / interval
    first = position.astype(np.intp)
    t = position - first
    weight = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]) / 6
    return AxisWeights(first + np.arange(4)[:, None], weight.astype(np.float32))  # both (4, length)
