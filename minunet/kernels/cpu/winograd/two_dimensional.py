"""Winograd's algorithm in two dimensions, in tiles of 4x4 and 6x6 pixels: by tiles or by channels, whichever suits a layer."""

from __future__ import annotations

from functools import partial

from minunet.kernels import primitives
from minunet.kernels.cpu.array_types import Array, Arrays, ConvGrads
from minunet.kernels.cpu.recording import recorded
from minunet.kernels.cpu.winograd import block_sizes, by_channels, by_tiles, cost
from minunet.kernels.cpu.winograd.matrices import POINTS
from minunet.kernels.cpu.winograd.pass_arguments import (
    WinogradBackward,
    WinogradForward,
    backward_applies,
    forward_applies,
)
from minunet.kernels.primitives.conv import Needs
from minunet.kernels.primitives.windows import IntPair, Padding


def conv2d(
    m: int, xs: Arrays, weight: Array, bias: Array | None, stride: IntPair, padding: Padding, activation: str | None
) -> Array:
    """`primitives.conv2d` for a 3x3 kernel and stride 1, in tiles of m x m outputs."""
    conv = WinogradForward(m, xs, weight, bias, padding, activation)
    c, o = weight.shape[2:]
    algorithm = by_tiles if block_sizes.goes_by_tiles(c, o) else by_channels
    algorithm.forward(conv)
    return conv.finish()


def conv2d_grads(
    m: int,
    grad_output: Array,
    xs: Arrays,
    weight: Array,
    output: Array | None,
    stride: IntPair,
    padding: Padding,
    needs: Needs,
) -> ConvGrads:
    """`primitives.conv2d_grads` for a 3x3 kernel and stride 1, in tiles of m x m inputs."""
    conv = WinogradBackward(m, grad_output, xs, weight, output, padding, needs)
    c, o = weight.shape[2:]
    algorithm = by_tiles if block_sizes.backward_goes_by_tiles(m, conv.images, conv.size, c, o) else by_channels
    grad_weight, grad_bias = algorithm.backward(conv)
    return conv.grad_xs, grad_weight, grad_bias


for _m in POINTS:
    _label = f"winograd-{_m}x{_m}"
    _why = f"Winograd with tiles of {_m}x{_m}: {(_m + 2) ** 2} products per channel instead of {9 * _m * _m}"
    _cost, _grads_cost = partial(cost.forward_cost, _m), partial(cost.backward_cost, _m)
    primitives.conv2d.register(_label, when=forward_applies, cost=_cost, why=_why)(recorded(_cost)(partial(conv2d, _m)))
    primitives.conv2d_grads.register(_label, when=backward_applies, cost=_grads_cost, why=_why)(
        recorded(_grads_cost)(partial(conv2d_grads, _m))
    )
