// The host shim: with these headers g++ builds the same .cu files that NVRTC compiles, and runs them on the CPU.
// It shows wrong values and wrong order, not speed or bank conflicts. Its data layouts are compared with those of a GPU by benchmarks.gpu.
#pragma once
#include "async_copy.h"
#include "bfloat16.h"
#include "block.h"
#include "language.h"
#include "matrix.h"
#include "tensor_copy.h"
#include "warp.h"
#include "warpgroup.h"

// One exported function per kernel instance, which the launcher calls through ctypes.
#define SHIM_EXPORT(name, ...)                                                                                           \
    extern "C" int name(const unsigned* grid, const unsigned* block, size_t shared, void** parameters, int schedule,     \
                        char* message, size_t length) {                                                                  \
        shim::schedule = shim::Schedule(schedule);                                                                       \
        int failed = shim::launch(&__VA_ARGS__, dim3(grid[0], grid[1], grid[2]), dim3(block[0], block[1], block[2]),     \
                                  shared, parameters);                                                                   \
        snprintf(message, length, "%s", shim::error.c_str());                                                            \
        return failed;                                                                                                   \
    }
