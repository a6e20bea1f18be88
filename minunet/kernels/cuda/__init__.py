"""The CUDA kernels: .cu sources, and the launch code that sizes grids and passes arguments.

Importing this package registers them on the primitives; it needs no CuPy and touches no device.
"""

from minunet.kernels.cuda import registration  # noqa: F401
