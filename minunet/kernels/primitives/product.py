"""The matrix product with NumPy's rules."""

from __future__ import annotations

import numpy as np

from minunet.kernels.array_spec import ArraySpec
from minunet.kernels.backend import Array
from minunet.kernels.dispatch import primitive


def can_multiply(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Whether arrays of these shapes have a matrix product.

    Examples
    --------
    >>> can_multiply((4, 2, 3), (3,)), can_multiply((2, 3), (2, 3)), can_multiply((), (2, 3))
    (True, False, False)
    """
    if not a or not b or a[-1] != b[-2:][0]:
        return False
    return all(m == n or 1 in (m, n) for m, n in zip(a[-3::-1], b[-3::-1], strict=False))


def product_shape(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a @ b, without the axis that a vector is given for the product.

    Examples
    --------
    >>> product_shape((5, 1, 2, 3), (4, 3, 6)), product_shape((2, 3), (3,))
    ((5, 4, 2, 6), (2,))
    """
    rows, columns = a[-2:-1], b[-1:] if len(b) > 1 else ()
    return (*np.broadcast_shapes(a[:-2], b[:-2]), *rows, *columns)


@primitive(result_spec=lambda a, b: ArraySpec(product_shape(a.shape, b.shape), np.result_type(a.dtype, b.dtype)))
def matmul(a: Array, b: Array) -> Array:
    """a @ b: matrices in the last two axes, vectors where there is one axis; leading axes broadcast."""
    return a @ b
