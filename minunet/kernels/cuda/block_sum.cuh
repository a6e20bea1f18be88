// The sum of one number per thread over a block, in a fixed order.
#pragma once
#include "device.cuh"

// Thread 0 gets the result; `sums` is shared memory for one double per warp.
template <int THREADS> __device__ __forceinline__ double block_sum(double value, double* sums) {
    for (int distance = 16; distance; distance /= 2) value += __shfl_down_sync(~0u, value, distance);
    if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = value;
    __syncthreads();
    value = 0;
    if (threadIdx.x == 0)
        for (int warp = 0; warp < THREADS / 32; warp++) value += sums[warp];
    return value;
}
