"""Differentiable operations that primitives compute. Kernels read C-contiguous arrays of 32 or 64 bits, which is ensured here."""

from __future__ import annotations

import numpy as np

from minunet.autograd import Function
from minunet.autograd.conversion import is_narrow
from minunet.kernels.backend import Array
from minunet.kernels.plain_array import c_ordered


class PrimitiveFunction(Function):
    """A Function whose `forward` and `backward` are given C-contiguous arrays, and whose gradients are new arrays.

    16-bit numbers are computed with in float32, and each result is rounded once: a sum of float16 ones stops at 2048.
    """

    returns_fresh_arrays = True
    _narrow: np.dtype | None = None  # the dtype to which results are rounded

    def prepare(self, array: Array) -> Array:
        """The array itself if it is in C order and has the strides of its shape, else one that is; 16-bit floats as float32."""
        array = c_ordered(array)
        if is_narrow(array):
            self._narrow = array.dtype
            return array.astype(np.float32)
        return array

    def finish(self, output: Array) -> Array:
        """The result, rounded if the inputs have 16 bits."""
        return output if self._narrow is None else output.astype(self._narrow)

    def gradients(self, grad_output: Array) -> tuple[Array | None, ...]:
        """The gradients, rounded if the inputs have 16 bits."""
        grads = super().gradients(grad_output)
        if self._narrow is None:
            return grads
        return tuple(None if grad is None else grad.astype(self._narrow) for grad in grads)
