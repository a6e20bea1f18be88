"""Checks of the CUDA kernels that run on any device: the tests run them on the host shim, `python -m benchmarks.gpu` on a GPU.

A device is an object with `launcher` (a `minunet.kernels.cuda.launcher.Launcher`), `put` (an array to the device) and `get` (back).

- `shapes`: shapes of convolutions and pooling that no tile divides
- `comparison`: random arguments, and comparison with the reference
- `rounding`: bfloat16 and tf32 in NumPy
- `device_buffers`: buffers that hold values of a precision
- `convolution_passes`: the convolution kernels of a training step against float64
- `hopper_instructions`: the instructions of sm_90a one by one, with the kernels of hopper_instructions.cu
- instructions.cu: small kernels for the instructions of sm_80 and for barriers
"""
