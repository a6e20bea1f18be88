"""The host shim: runs the CUDA kernels of minunet on the CPU, so that they are tested on any machine.

How it works:

- `include/` holds headers that define the CUDA keywords and functions used by the kernels in plain C++. `build.py` compiles a
  .cu file with g++ and these headers into a shared library, kept by content in .pytest_cache/cuda_on_cpu.
- `host_launcher.py` has `HostLauncher`, a `Launcher` as the one of the GPU: its arrays are NumPy's, and it calls the kernels
  through ctypes. The launch code in minunet is the same for both.
- One CPU thread plays all threads of a block. It switches between them where they wait for each other (`include/fiber.h`,
  `include/block.h`). A deadlock, threads that diverge at a barrier and misaligned accesses are errors.
- Hardware may finish asynchronous work at any time between its start and the wait for it. The shim plays the two extremes, its
  two schedules: "lazy" runs threads in ascending order, and asynchronous copies land only when they are waited for, so a missing
  wait reads wrong values; "eager" runs threads in descending order, and copies land at once, so a buffer that is refilled too early
  gives wrong sums.
- Shared memory and new arrays begin filled with 0xFF, a NaN in every floating-point type.
- `cupy_on_cpu.py` stands in for CuPy: streams, events, pinned memory and graphs, for the code above the kernels.

It shows wrong values and wrong order, not speed. Whether its reading of the hardware's data layouts is right is checked on a GPU by
`python -m benchmarks.gpu`, with the kernels and comparisons of `tests/cuda_on_cpu/device_checks`.
"""
