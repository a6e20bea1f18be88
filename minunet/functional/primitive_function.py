"""Differentiable operations that primitives compute. The kernels read C-contiguous arrays, which is ensured here only."""

from __future__ import annotations

from minunet.autograd import Function
from minunet.kernels.backend import Array
from minunet.kernels.plain_array import c_ordered


class PrimitiveFunction(Function):
    """A Function whose `forward` and `backward` are given C-contiguous arrays, and whose gradients are new arrays."""

    returns_fresh_arrays = True

    def prepare(self, array: Array) -> Array:
        """The array itself if it is in C order and has the strides of its shape, else one that is."""
        return c_ordered(array)
