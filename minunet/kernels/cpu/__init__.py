"""The NumPy fast paths of the primitives; importing this package registers them.

The name that `minunet.describe` prints for an algorithm is the name of a file or folder here, with a tile size behind it for
Winograd's. `test_labels` checks it.

The algorithms
--------------
- `im2col`, `kn2row`, `winograd`: convolution.
- `subpixel`, `conv_transpose_as_conv`: up-convolution.
- `matrix_product`: the fully connected layer and `@`.
- `pooling_2x2`: max and sum pooling. `elementwise`: activations and the loss. `adam`: the optimizer's step.

What they share
---------------
- `threads`: parallel calls. `worker_threads`: the threads. `partition`: blocks and jobs.
- `blas`, `openblas`: the BLAS library. `matmul`: matrix products.
- `memory_pool`: memory for results. `scratch`: temporary buffers of a job. `address_space`: where both lie.
- `recorder`, `recording`: the NumPy calls of a kernel are noted, and made again for other arrays of the same shapes.
- `array_types`: what a kernel accepts. `padded_crop`: pixels with zeros around the image. `epilogue`: bias and ReLU.
  `strided_copy`: copies of few contiguous values.

Words
-----
block
    The part of an array that is computed at a time, so that intermediate results stay in the cache: rows of pixels
    (`partition.RowBlock`), tiles (`winograd.tiles.TileBlock`), channels or single values (a slice). A `VALUES_PER_BLOCK`
    is the size to aim at.
job
    The blocks that one thread computes in one go. Which these are follows from shapes only, not from the number of threads.
group
    Blocks whose windows are all kept in memory at the same time, where a kernel is too large to be read for every block.
window
    The pixels with their channels that one output pixel, or one tile, is computed from.
source
    One of the images that a convolution reads as if they were joined along channels.
tile
    In Winograd's algorithm: the m x m or m x 1 output pixels that are computed from one window.
strip
    In Winograd's algorithm in one dimension: a block of tile rows over the whole width of the image.
band
    In Winograd's algorithm in two dimensions: some rows of the points of a block, transformed and multiplied at a time.
recorded call
    A call on fixed buffers that is stored to be replayed for every block of the same shape (`matmul.RecordedCall`).
recording
    The recorded calls of a whole call of a primitive on small arrays (`recording.Recording`).
"""

# isort: off
# In the order of registration, which decides between candidates of equal cost.
from minunet.kernels.cpu import kn2row
from minunet.kernels.cpu import im2col
from minunet.kernels.cpu import (
    adam,
    conv_transpose_as_conv,
    elementwise,
    matrix_product,
    pooling_2x2,
    subpixel,
    winograd,
)

# isort: on

__all__ = [
    "adam",
    "conv_transpose_as_conv",
    "elementwise",
    "im2col",
    "kn2row",
    "matrix_product",
    "pooling_2x2",
    "subpixel",
    "winograd",
]
