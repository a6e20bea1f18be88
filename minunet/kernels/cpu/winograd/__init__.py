"""Convolution with a 3x3 kernel and stride 1 after Winograd (1980): a quarter of the multiplications, or a fifth.

Why it works
------------
Multiplying two polynomials convolves their coefficients, and there is a second way to multiply them: evaluate both at
enough points, multiply the values point by point, and find the polynomial that takes the products (Toom and Cook). With
x of m coefficients and g of 3 the product has n = m + 2 coefficients, so n points do; one of them may be "infinity",
where a polynomial's value is its leading coefficient. As matrices, with A (n, m) and G (n, 3) evaluating and V (n, n)
evaluating a polynomial of n coefficients:

    conv(x, g) = V^-1 [(A x) * (G g)]                                  n products where the definition takes 3 m

For fixed g this is a linear map of x, (n, m) as a matrix: M_g = V^-1 diag(G g) A. Its transpose is the *correlation* of
n values d with g, giving the m values a convolution layer wants (transposition principle), at the same cost:

    y = M_g^T d = A^T [(G g) * (B^T d)]    with B^T = V^-T             m = 4: 6 products instead of 12

B^T d combines inputs, G g combines weights, A^T combines products. In two dimensions the same is done to rows and to
columns (Lavin and Gray 2016), for windows d (n, n) that start every m pixels and kernels g (3, 3):

    Y = A^T [(G g G^T) * (B^T d B)] A                                  m = 4: 36 products instead of 144;  m = 6: 64, not 324

A layer has C input and O output channels. Everything but the product is linear, so the sum over input channels can be
taken before A^T: at each of the n * n points, "*" becomes a product of matrices, (tiles, C) @ (C, O), and these large
products are where the time goes.

The gradients
-------------
With VD = B^T dY B for windows of the output's gradient, the same formulas serve the backward pass:

- dX is the correlation of dY, padded by 2 - p, with the kernel back to front and C and O exchanged: dX = A^T [U' * VD] A.
- dg correlates windows of dY with tiles x of X (m, m). Read x as the kernel: m taps and 3 outputs need n points again,
  the same ones, so B^T stays, A evaluates x and G^T combines: dg (back to front) = G^T [(A x A^T) * VD] G, summed over
  tiles. Sums come before G^T, so at each point this is one more product: (C, tiles) @ (tiles, O).

dY is thus transformed once, and nothing but X has to be kept from the forward pass.

Rounding
--------
Points far from 1 make large and small terms that cancel. The points in `transforms.POINTS` are the best of the small
fractions. Relative L2 error in float32 against float64, 64 to 512 channels: 1e-6 to 2.4e-6 for tiles of 4, 3e-6 to
7e-6 for tiles of 6, where the direct sum has 2e-7. An infinite or NaN input spreads over its tile.

How it is laid out
------------------
`transforms` the small matrices; `tiles` cutting images up; `vertical` the half of a transform that goes down the columns,
`points` images to points and products to tiles; `weights` kernels to points and back; `by_tiles` and `by_channels` the
two ways through with tiles of m x m, and `by_strips` with tiles of m x 1, where one dimension is left as it is (`lines`)
and the transforms cost a fraction; `gradients` what a backward pass is asked; `plan` how much at a time; `cost` estimates.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from minunet.kernels import primitives
from minunet.kernels.cpu import memory_pool
from minunet.kernels.cpu.numpy_arrays import on_cpu
from minunet.kernels.cpu.winograd import block_sizes, by_channels, by_tiles, cost, one_dimensional
from minunet.kernels.cpu.winograd.backward_call import Gradients
from minunet.kernels.cpu.winograd.matrices import POINTS, transforms

Padding = tuple[tuple[int, int], tuple[int, int]]


def conv2d(m: int, xs, weight, bias, stride, padding: Padding, activation) -> np.ndarray:
    """`primitives.conv2d` for a 3x3 kernel and stride 1, in tiles of m x m outputs."""
    form = by_tiles if block_sizes.by_tiles(*weight.shape[2:]) else by_channels
    return _forward(form, m, xs, weight, bias, stride, padding, activation)


def _forward(form, m: int, xs, weight, bias, stride, padding: Padding, activation) -> np.ndarray:
    xs = tuple(np.ascontiguousarray(x) for x in xs)
    (top, _), (left, _) = padding
    height, width = primitives.out_size(xs[0].shape[1:3], weight.shape[:2], stride, padding)
    y = memory_pool.empty((len(xs[0]), height, width, weight.shape[3]), weight.dtype)
    form.forward(transforms(m, weight.dtype), xs, weight, bias, (top, left), activation == "relu", y)
    return y


def conv2d_grads(m: int, grad_output, xs, weight, output, stride, padding: Padding, needs):
    """`primitives.conv2d_grads` for a 3x3 kernel and stride 1, in tiles of m x m inputs."""
    call = Gradients(m, grad_output, xs, weight, output, padding, needs)
    form = by_tiles if block_sizes.gradients_by_tiles(m, call.images, call.size, *weight.shape[2:]) else by_channels
    grad_weight, grad_bias = form.backward(call)
    return call.grad_xs, grad_weight, grad_bias


def _fits(xs, weight, stride, padding: Padding) -> bool:
    if weight.shape[:2] != (3, 3) or tuple(stride) != (1, 1) or len(xs[0]) == 0:
        return False
    return all(0 <= p <= 2 for pair in padding for p in pair)


def _when(xs, weight, bias, stride, padding, activation) -> bool:
    return _fits(xs, weight, stride, padding) and on_cpu(*xs, weight, bias)


def _grads_when(grad_output, xs, weight, output, stride, padding, needs) -> bool:
    return _fits(xs, weight, stride, padding) and on_cpu(grad_output, *xs, weight, output)


def _cost(m: int, xs, weight, bias, stride, padding, activation) -> float:
    size = primitives.out_size(xs[0].shape[1:3], weight.shape[:2], stride, padding)
    return cost.forward_cost(m, len(xs[0]), size, *weight.shape[2:])


def _grads_cost(m: int, grad_output, xs, weight, output, stride, padding, needs) -> float:
    return cost.backward_cost(m, len(xs[0]), xs[0].shape[1:3], *weight.shape[2:], any(needs[0]), needs[1])


STRIP_HEIGHT = 6  # tiles of 6x1: with 3 products for each point, fewer points count for more than rounding


def conv2d_by_strips(xs, weight, bias, stride, padding: Padding, activation) -> np.ndarray:
    """`primitives.conv2d` for a 3x3 kernel and stride 1, in tiles of 6x1 outputs."""
    return _forward(one_dimensional, STRIP_HEIGHT, xs, weight, bias, stride, padding, activation)


def conv2d_grads_by_strips(grad_output, xs, weight, output, stride, padding: Padding, needs):
    """`primitives.conv2d_grads` for a 3x3 kernel and stride 1, in tiles of 6x1 inputs."""
    call = Gradients(STRIP_HEIGHT, grad_output, xs, weight, output, padding, needs)
    return call.grad_xs, *one_dimensional.backward(call)


def _strips_cost(xs, weight, bias, stride, padding, activation) -> float:
    size = primitives.out_size(xs[0].shape[1:3], weight.shape[:2], stride, padding)
    return cost.strips_forward_cost(STRIP_HEIGHT, len(xs[0]), size, *weight.shape[2:])


def _strips_grads_cost(grad_output, xs, weight, output, stride, padding, needs) -> float:
    return cost.strips_backward_cost(
        STRIP_HEIGHT, len(xs[0]), xs[0].shape[1:3], *weight.shape[2:], any(needs[0]), needs[1]
    )


_name, _why = f"winograd-{STRIP_HEIGHT}x1", "Winograd down the columns alone: 24 products per channel instead of 54"
primitives.conv2d.register(_name, when=_when, cost=_strips_cost, why=_why)(conv2d_by_strips)
primitives.conv2d_grads.register(_name, when=_grads_when, cost=_strips_grads_cost, why=_why)(conv2d_grads_by_strips)

for _m in POINTS:
    _name = f"winograd-{_m}x{_m}"
    _why = f"Winograd with tiles of {_m}x{_m}: {(_m + 2) ** 2} products per channel instead of {9 * _m * _m}"
    primitives.conv2d.register(_name, when=_when, cost=partial(_cost, _m), why=_why)(partial(conv2d, _m))
    primitives.conv2d_grads.register(_name, when=_grads_when, cost=partial(_grads_cost, _m), why=_why)(
        partial(conv2d_grads, _m)
    )
