"""The CUDA kernels (.cu, .cuh) and the Python code that launches them. A .cu file and its launch code have the same name.

Importing this package registers the kernels as candidates of the primitives. It needs no CuPy and uses no device.

A reading order, from simple to fast:

1. Portable kernels, for any GPU and shape: `activation` (one thread per element), `pooling`, `sums` and `loss` (sums in a fixed
   order), `adam`, `window` (the numbers that describe a convolution), `convolution`, `weight_gradient`.
2. How a kernel is launched: `program` (which kernels a file has), `compile`, `launcher`, `gpu_launcher`, `devices` (the launcher
   of an array); `registration`, `costs` and `minunet.kernels.precision` decide which kernel computes a primitive.
3. Tensor cores of sm_80 (Ampere) and newer: `pad_channels`, chunk.cuh, tile.cuh (a product on tensor cores), epilogue.cuh,
   `ampere_convolution`, `ampere_weight_gradient`. They compute the same as `convolution` and `weight_gradient`.
4. Tensor cores of sm_90a (Hopper): hopper.cuh (bulk copies, barriers, wgmma), `tensor_map`, ring.cuh, patch.cuh,
   `hopper_convolution`, `hopper_weight_gradient`.
5. `tensor_cores` chooses between 3 and 4; `tensor_core_primitives` are the primitives made of them. `arena` and
   `meta_launcher` are for sequences of launches that a CUDA graph repeats: all buffers in one block of memory, and a dry run.

Each .cu file begins with what it computes, how threads and blocks share the work, what is in shared memory, and where its launch
code is.
"""

from minunet.kernels.cuda import registration  # noqa: F401
