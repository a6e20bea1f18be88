"""The small matrices of Winograd's convolution for one tile size, computed from their interpolation points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

KERNEL_SIZE = 3

# The finite points for tiles of m pixels; infinity is the last point. For m = 4, 1/2 and -2 instead of 2 and -2 keep the
# powers of different size, which halves the rounding error; for m = 6 no choice among the small fractions is better than
# the symmetric one.
POINTS = {4: (0.0, 1.0, -1.0, 0.5, -2.0), 6: (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5)}


class WinogradMatrices(NamedTuple):
    """The matrices of F(m x m, 3 x 3), in the notation of Lavin and Gray (2016): Y = A^T [(G g G^T) * (B^T d B)] A.

    Attributes
    ----------
    m, n : int
        Output and input pixels per side of a tile; n = m + 2 is the number of points, the last of them infinity.
    input : array (n, n)
        B^T.
    output : array (m, n)
        A^T.
    tile : array (n, m)
        A: evaluates a tile of m values at the points, for the gradient of the weight.
    weight : array (n, 3)
        G.
    weight_reversed : array (n, 3)
        G for a kernel that is stored in reversed order.
    weight_grad : array (3, n)
        The transpose of `weight_reversed`.
    bias_point : int
        The index of the point 1, where every row of A^T is 1: what is added there is added to every output.
    """

    m: int
    n: int
    input: np.ndarray
    output: np.ndarray
    tile: np.ndarray
    weight: np.ndarray
    weight_reversed: np.ndarray
    weight_grad: np.ndarray
    bias_point: int


@lru_cache
def matrices_for(m: int, dtype: np.dtype) -> WinogradMatrices:
    """The matrices for tiles of m x m outputs, of the given dtype."""
    points = np.array(POINTS[m])
    n = len(points) + 1

    def evaluation(count: int) -> np.ndarray:
        """(n, count): from the coefficients of a polynomial to its values; at infinity, its leading coefficient."""
        values = np.zeros((n, count))
        values[:-1] = points[:, None] ** np.arange(count)
        values[-1, -1] = 1
        return values

    # B^T is the inverse transpose of evaluation(n): row i holds the coefficients of Lagrange's polynomial for point p,
    # prod (x - q) / prod (p - q) over the other points q. Computed from this formula its zeros are exact.
    interpolation = np.zeros((n, n))
    for i, point in enumerate(POINTS[m]):
        others = POINTS[m][:i] + POINTS[m][i + 1 :]
        interpolation[i, :-1] = np.divide(_coefficients(others), math.prod(point - other for other in others))
    interpolation[-1] = _coefficients(POINTS[m])

    # A factor of point i may move from B^T to G. With rows of B^T of equal weight all values stay near the input's size.
    scale = np.abs(interpolation).sum(axis=1, keepdims=True) / 2
    weight = evaluation(KERNEL_SIZE) * scale

    def read_only(matrix: np.ndarray) -> np.ndarray:
        converted = np.ascontiguousarray(matrix, dtype)
        converted.flags.writeable = False
        return converted

    return WinogradMatrices(
        m=m,
        n=n,
        input=read_only(interpolation / scale),
        output=read_only(evaluation(m).T),
        tile=read_only(evaluation(m)),
        weight=read_only(weight),
        weight_reversed=read_only(weight[:, ::-1]),
        weight_grad=read_only(weight[:, ::-1].T),
        bias_point=POINTS[m].index(1.0),
    )


def _coefficients(roots: Sequence[float]) -> list[float]:
    """The coefficients of prod (x - root), that of the lowest power first. (`np.poly` takes ten times as long.)"""
    found = [1.0]
    for root in roots:
        found = [lower - root * own for lower, own in zip([0.0, *found], [*found, 0.0], strict=True)]
    return found
