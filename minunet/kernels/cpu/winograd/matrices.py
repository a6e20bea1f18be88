"""The small matrices of Winograd's convolution for one tile size, built from their points."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

# Infinity comes on top. 1/2 and -2 instead of 2 and -2 keep the powers apart in size, which halves the rounding error;
# for tiles of 6 no choice among the small fractions does better than the symmetric one.
POINTS = {4: (0.0, 1.0, -1.0, 0.5, -2.0), 6: (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5)}
KERNEL = 3


@dataclass(frozen=True)
class Transforms:
    """The matrices of F(m x m, 3 x 3), in the notation of Lavin and Gray (2016): Y = A^T [(G g G^T) * (B^T d B)] A.

    Attributes
    ----------
    m, n : int
        Outputs and inputs per tile side; n = m + 2 is the number of points, the last of them infinity.
    input : array (n, n)
        B^T.
    output : array (m, n)
        A^T.
    spread : array (n, m)
        A: takes a tile of m values to the points, for the gradient of the weight.
    weight : array (n, 3)
        G.
    weight_flipped : array (n, 3)
        G for a kernel that is stored back to front.
    weight_grad : array (3, n)
        The transpose of `weight_flipped`.
    bias_point : int
        The index of the point 1, where every row of A^T is 1: what is added there is added to every output.
    """

    m: int
    n: int
    input: np.ndarray
    output: np.ndarray
    spread: np.ndarray
    weight: np.ndarray
    weight_flipped: np.ndarray
    weight_grad: np.ndarray
    bias_point: int


@lru_cache
def transforms(m: int, dtype: np.dtype) -> Transforms:
    """The matrices for tiles of m x m outputs in the given precision."""
    points = np.array(POINTS[m])
    n = len(points) + 1

    def evaluate(count: int) -> np.ndarray:
        """(n, count): from a polynomial's coefficients to its values; at infinity only the leading one is left."""
        values = np.zeros((n, count))
        values[:-1] = points[:, None] ** np.arange(count)
        values[-1, -1] = 1
        return values

    # B^T is the inverse transpose of evaluate(n): row i holds the coefficients of Lagrange's polynomial for point p,
    # prod (x - q) / prod (p - q) over the other points q. Written out, because that keeps its zeros exact.
    interpolate = np.zeros((n, n))
    for i, point in enumerate(points):
        others = np.delete(points, i)
        interpolate[i, :-1] = np.poly(others)[::-1] / np.prod(point - others)
    interpolate[-1] = np.poly(points)[::-1]

    # What point i multiplies may move from B^T to G. Rows of B^T of equal weight keep all values near the input's size.
    scale = np.abs(interpolate).sum(axis=1, keepdims=True) / 2
    weight = evaluate(KERNEL) * scale
    made = {
        "input": interpolate / scale,
        "output": evaluate(m).T,
        "spread": evaluate(m),
        "weight": weight,
        "weight_flipped": weight[:, ::-1],
        "weight_grad": weight[:, ::-1].T,
    }
    arrays = {name: np.ascontiguousarray(matrix, dtype) for name, matrix in made.items()}
    for array in arrays.values():
        array.flags.writeable = False
    return Transforms(m=m, n=n, bias_point=POINTS[m].index(1.0), **arrays)
