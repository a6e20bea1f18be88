"""Differentiable operations that primitives compute. The kernels read C-contiguous arrays, which is ensured here only."""

from __future__ import annotations

from minunet.autograd import Function
from minunet.kernels.backend import Array, array_module


class PrimitiveFunction(Function):
    """A Function whose `forward` and `backward` are given C-contiguous arrays, and whose gradients are new arrays."""

    returns_fresh_arrays = True

    def prepare(self, array: Array) -> Array:
        """The array itself if it is in C order, else a copy that is."""
        return array_module(array).asarray(array, order="C")
