"""The scratch memory of a Winograd backward pass, known from shapes: its buffers are laid out, and never written.

Of all passes on the CPU these need the most, so that they decide how large the arenas of the threads become.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from minunet.kernels.cpu.scratch import ALIGNMENT
from minunet.kernels.cpu.winograd import block_sizes, by_tiles
from minunet.kernels.cpu.winograd.matrices import KERNEL_SIZE
from minunet.kernels.cpu.winograd.pass_arguments import WinogradBackward
from minunet.kernels.cpu.winograd.tiles import tile_blocks

if TYPE_CHECKING:
    import numpy.typing as npt


def backward_scratch(m: int, args: tuple[Any, ...]) -> int:
    """Bytes of scratch memory of one thread.

    Parameters
    ----------
    m : int
        Side of a tile in pixels.
    args : tuple
        The arguments of `primitives.conv2d_grads`.

    Returns
    -------
    int
        0 where the pass goes by channels, which needs less.
    """
    grad_output, xs, weight, output, _, padding, (needs_x, needs_weight, needs_bias) = args
    c, o = weight.shape[2:]
    # Without the gradients of the sources, no array is taken from the memory pool.
    without_x = tuple(False for _ in needs_x), needs_weight, needs_bias
    conv = WinogradBackward(m, grad_output, xs, weight, output, padding, without_x)
    if not block_sizes.backward_goes_by_tiles(m, conv.images, conv.size, c, o):
        return 0
    used = 0

    def allocate(shape: tuple[int, ...], dtype: npt.DTypeLike) -> np.ndarray:
        nonlocal used
        array = np.empty(shape, dtype)
        used += -(-array.nbytes // ALIGNMENT) * ALIGNMENT + ALIGNMENT
        return array

    channels = sum(x.shape[3] for x, needed in zip(xs, needs_x, strict=True) if needed)
    n = m + KERNEL_SIZE - 1
    kernel_points = np.empty((n, n, o, channels), weight.dtype) if channels else None
    shapes = {block.shape for block in tile_blocks(conv.images, conv.size, m, conv.tiles_per_block)}
    largest = max(shapes, key=math.prod)
    workspace = by_tiles._BackwardWorkspace(allocate, conv, kernel_points, largest)
    for shape in shapes:
        workspace.recorded_for(shape)
    if output is not None:
        rows, images, columns = largest
        values = images * (m * rows + KERNEL_SIZE - 1) * (m * columns + KERNEL_SIZE - 1) * o
        workspace.recorded_for(largest).before_products(allocate)((values,), weight.dtype)  # the masked gradient
        if output.dtype != np.bool_:
            used += values  # where the ReLU was active
    return used
