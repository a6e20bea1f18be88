"""The backward pass of im2col: gradients of a convolution as products of a window matrix.

With stride 1 the windows are those of the output's gradient, and serve the gradients of input and weight alike; with other
strides they are those of the input.
"""

from __future__ import annotations

import math

import numpy as np

from minunet.kernels import primitives
from minunet.kernels.cpu.array_types import Array, Arrays, ConvGrads, are_floats_and_mask
from minunet.kernels.cpu.im2col.forward import PER_CALL, PER_WEIGHT, PER_WINDOW_VALUE
from minunet.kernels.cpu.im2col.input_windows import grads_from_input_windows
from minunet.kernels.cpu.im2col.output_windows import grads_from_output_windows
from minunet.kernels.cpu.matmul import matmul_cost
from minunet.kernels.cpu.recording import recorded
from minunet.kernels.primitives.conv import Needs
from minunet.kernels.primitives.windows import IntPair, Padding


def _applies(grad_output: Array, xs: Arrays, weight: Array, output: Array | None, *_: object) -> bool:
    return are_floats_and_mask(output, grad_output, *xs, weight) and grad_output.size > 0


def _uses_output_windows(weight: Array, stride: IntPair, needs: Needs) -> bool:
    """Whether the windows are those of the output's gradient, for the gradients of input and weight alike."""
    return tuple(stride) == (1, 1) and (any(needs[0]) or weight.shape[3] <= weight.shape[2])


def backward_cost(
    grad_output: Array, xs: Arrays, weight: Array, output: Array | None, stride: IntPair, padding: Padding, needs: Needs
) -> float:
    """Estimated nanoseconds of one core for `conv2d_grads`: windows, products, and the rest.

    The products take about 1.3 times as long as `matmul_cost` says. Reading and masking the output's gradient is left
    out: every algorithm has to do it.
    """
    (kh, kw, c, o), needs_x, needs_weight = weight.shape, any(needs[0]), needs[1]
    window, out_pixels = kh * kw, math.prod(grad_output.shape[:3])
    rest = PER_CALL + PER_WEIGHT * weight.size * 2 * (needs_x + needs_weight)
    if _uses_output_windows(weight, stride, needs):
        pixels = math.prod(xs[0].shape[:3])
        products = matmul_cost(pixels, window * o, c) if needs_x else 0
        products += matmul_cost(c, pixels, window * o) if needs_weight else 0
        return rest + 1.3 * products + (PER_WINDOW_VALUE * pixels * window * o if window > 1 else 0)
    windows = PER_WINDOW_VALUE * out_pixels * window * c
    products = matmul_cost(out_pixels, o, window * c) if needs_x else 0
    products += matmul_cost(window * c, out_pixels, o) if needs_weight else 0
    return rest + 1.3 * products + windows * (4 * needs_x + needs_weight)


@primitives.conv2d_grads.register(
    "im2col", when=_applies, cost=backward_cost, why="windows written out as rows, then one matrix product each"
)
@recorded(backward_cost)
def conv2d_grads(
    grad_output: Array, xs: Arrays, weight: Array, output: Array | None, stride: IntPair, padding: Padding, needs: Needs
) -> ConvGrads:
    """See `primitives.conv2d_grads`."""
    stride = (stride[0], stride[1])
    grad_output = np.ascontiguousarray(grad_output)
    output = None if output is None else np.ascontiguousarray(output)
    xs = [np.ascontiguousarray(x) for x in xs]
    if _uses_output_windows(weight, stride, needs):
        return grads_from_output_windows(grad_output, xs, weight, output, padding, needs)
    return grads_from_input_windows(grad_output, xs, weight, output, stride, padding, needs)
