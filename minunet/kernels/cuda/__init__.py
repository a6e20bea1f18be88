"""The CUDA kernels: .cu sources, and the launch code that sizes grids and passes arguments."""
