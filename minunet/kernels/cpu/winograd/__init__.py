"""Convolution with a 3x3 kernel and stride 1 by Winograd's algorithm (1980): a quarter of the multiplications, or a fifth.

Why it works
------------
The product of two polynomials has the convolution of their coefficients as its coefficients. There is a second way to
multiply them: evaluate both at enough points, multiply the values point by point, and find the polynomial that has these
products as its values (Toom and Cook). With x of m coefficients and g of 3 the product has n = m + 2 coefficients, so n
points are enough. One of them may be "infinity", where the value of a polynomial is its leading coefficient. As matrices,
with A (n, m) and G (n, 3) evaluating x and g, and V (n, n) evaluating a polynomial of n coefficients:

    conv(x, g) = V^-1 [(A x) * (G g)]                                  n products where the definition needs 3 m

For fixed g this is a linear map of x, (n, m) as a matrix: M_g = V^-1 diag(G g) A. Its transpose is the *correlation* of
n values d with g, which gives the m values that a convolution layer computes (transposition principle), at the same cost:

    y = M_g^T d = A^T [(G g) * (B^T d)]    with B^T = V^-T             m = 4: 6 products instead of 12

B^T d combines inputs, G g combines weights, A^T combines products. In two dimensions the same is done to rows and to
columns (Lavin and Gray 2016), for windows d (n, n) that start every m pixels and kernels g (3, 3):

    Y = A^T [(G g G^T) * (B^T d B)] A                                  m = 4: 36 products instead of 144;  m = 6: 64, not 324

A layer has C input and O output channels. All but the product is linear, so the sum over input channels can be done
before A^T: at each of the n * n points, "*" becomes a product of matrices, (tiles, C) @ (C, O). Most of the time is spent
in these large products.

The gradients
-------------
With VD = B^T dY B for windows of the output's gradient, the same formulas serve the backward pass:

- dX is the correlation of dY, padded by 2 - p, with the reversed kernel, C and O exchanged: dX = A^T [U' * VD] A.
- dg correlates windows of dY with tiles x of X (m, m). With x in the place of the kernel, m coefficients and 3 outputs need
  n points again, the same ones: B^T stays, A evaluates x and G^T combines. dg (reversed) = G^T [(A x A^T) * VD] G, summed
  over tiles. The sum is done before G^T, so that at each point this is one more product: (C, tiles) @ (tiles, O).

dY is thus transformed once, and of the forward pass only X has to be kept.

Rounding
--------
Points far from 1 make large and small terms that cancel. The points in `matrices.POINTS` are the best of the small
fractions. Relative L2 error in float32 against float64, 64 to 512 channels: 1e-6 to 2.4e-6 for tiles of 4, 3e-6 to
7e-6 for tiles of 6, where the direct sum has 2e-7. An infinite or NaN input spreads over its tile. Zeros are exact where
they decide something: under a window of nothing but zeros the output is the bias (`zero_windows`), so that a ReLU
behind it lets through what it should. Looking for such windows takes about 3 % of a forward pass with few channels, under
1 % of a training step. The input's gradient is not treated so: what is zero by the definition can be a rest of the size of
rounding there, and as the backward pass is linear, it stays one.

The files
---------
- `matrices`: A, B, G for one tile size. `pass_arguments`: the arguments of one pass. `cost`: the estimates that dispatch
  compares. `scratch_size`: the temporary memory of a backward pass.
- `two_dimensional`, for the labels winograd-4x4 and winograd-6x6: tiles of m x m, `by_tiles` or `by_channels`.
- `one_dimensional`, for the label winograd-6x1: tiles of m x 1, with cheaper transforms but more products.
- `column_transform`, `transform_2d`, `weight_transform`: from pixels and weights to points, and back.
- `zero_windows`: the windows of nothing but zeros.
- `tiles`, `block_sizes`: how images are cut, and how much is computed at a time. `overlapping_rows`: a buffer of
  `one_dimensional`.

Words
-----
m is the side of a tile, n = m + 2 that of its window. A *point* is one of the n (one dimension) or n x n (two dimensions)
positions at which polynomials are evaluated. The words tile, block, strip, band, group and job are defined in
`minunet.kernels.cpu`.
"""

from minunet.kernels.cpu.winograd import one_dimensional, two_dimensional

__all__ = ["one_dimensional", "two_dimensional"]
