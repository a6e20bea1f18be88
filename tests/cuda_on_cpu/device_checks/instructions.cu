// Small kernels for each instruction of device.cuh, barriers and shuffles. BUG plants one mistake, which the tests of the shim must
// notice; the right kernels also run on a GPU, to show that its data layouts are those of the shim. Launch code: the tests
// (test_shim.py) and benchmarks/gpu/values.py.
#include "device.cuh"

enum Bug { NONE, NO_BARRIER, WAIT_OFF_BY_ONE, WRONG_ROW, UNWRITTEN, EARLY_REFILL, BEYOND_THE_END, EARLY_RETURN, MISALIGNED };

// The elements of each block of 64 in reverse order.
template <int BUG> __global__ void reverse(const float* x, float* y) {
    DYNAMIC_SHARED(memory);
    float* tile = reinterpret_cast<float*>(memory);
    const int i = threadIdx.x, first = blockIdx.x * 64;
    if (BUG == EARLY_RETURN && i == 63) return;
    if (!(BUG == UNWRITTEN && i == 5)) tile[i] = x[first + i];
    if (BUG != NO_BARRIER) __syncthreads();
    y[first + i] = tile[63 - i];
    if (BUG == BEYOND_THE_END) y[first + i] += x[first + i + 1] * 0;
}

// Each thread copies 16 bytes a round through a ring of three buffers; a neighbour's thread reads what it copied.
template <int BUG> __global__ void ring(const float* x, float* y, int rounds) {
    DYNAMIC_SHARED(memory);
    const int i = threadIdx.x, threads = blockDim.x;
    auto buffer = [&](int round) { return reinterpret_cast<float*>(memory) + round % 3 * threads * 4; };
    auto fetch = [&](int round) {
        if (round < rounds) copy_async_16(buffer(round) + i * 4 + (BUG == MISALIGNED), x + (round * threads + i) * 4, i != 7);
        copy_async_commit();
    };
    float sum = 0;
    fetch(0);
    fetch(1);
    for (int round = 0; round < rounds; round++) {
        copy_async_wait<BUG == WAIT_OFF_BY_ONE ? 2 : 1>();
        if (BUG == EARLY_REFILL) fetch(round + 2);
        __syncthreads();
        if (BUG != EARLY_REFILL) fetch(round + 2);
        for (int k = 0; k < 4; k++) sum += buffer(round)[(i + 1) % threads * 4 + k];
        if (BUG == EARLY_REFILL) __syncwarp();
    }
    y[i] = sum;
}

// y (16, 8) = a (16, K) b (K, 8) by one warp and one mma, operands in shared memory in row order: K = 16 bfloat16 or 8 tf32.
template <int BUG> __global__ void product_bf16(const uint16_t* a, const uint16_t* b, float* y) {
    DYNAMIC_SHARED(memory);
    uint16_t* shared = reinterpret_cast<uint16_t*>(memory);  // a: 16 rows of 16, then b: 16 rows of 8
    const int lane = threadIdx.x;
    for (int i = lane; i < 256; i += 32) shared[i] = a[i];
    for (int i = lane; i < 128; i += 32) shared[256 + i] = b[i];
    __syncwarp();
    uint32_t fa[4], fb[4];
    const int row = BUG == WRONG_ROW ? lane & 7 : lane & 15;
    load_matrices(fa, shared + row * 16 + (lane >> 4) * 8);
    load_matrices_transposed(fb, shared + 256 + (lane & 15) * 8);
    float c[4] = {0, 0, 0, 0};
    multiply_bf16(c, fa, fb[0], fb[1]);
    for (int i = 0; i < 4; i++) y[(lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2] = c[i];
}

template <int BUG> __global__ void product_tf32(const float* a, const float* b, float* y) {
    DYNAMIC_SHARED(memory);
    float* shared = reinterpret_cast<float*>(memory);  // a: 16 rows of 8
    const int lane = threadIdx.x, g = lane / 4, q = lane % 4;
    for (int i = lane; i < 128; i += 32) shared[i] = __uint_as_float(round_tf32(a[i]));
    __syncwarp();
    uint32_t fa[4];
    load_matrices(fa, shared + (lane & 15) * 8 + (lane >> 4) * 4);
    float c[4] = {0, 0, 0, 0};
    const int row = BUG == WRONG_ROW ? q * 2 : q;
    multiply_tf32(c, fa, round_tf32(b[row * 8 + g]), round_tf32(b[(row + 4) % 8 * 8 + g]));
    for (int i = 0; i < 4; i++) y[(g + i / 2 * 8) * 8 + q * 2 + i % 2] = c[i];
}

// Sums over a warp, by each kind of shuffle; `pack` shows rounding to bfloat16.
__global__ void warp_sums(const double* x, double* y, const float* pair, uint32_t* packed) {
    const int lane = threadIdx.x;
    double across = x[lane], down = x[lane];
    for (int bits = 16; bits; bits /= 2) across += __shfl_xor_sync(~0u, across, bits);
    for (int distance = 16; distance; distance /= 2) down += __shfl_down_sync(~0u, down, distance);
    y[lane] = across + (lane == 0 ? down : 0) + 100 * __shfl_sync(~0u, x[lane], 3);
    packed[lane] = pack_bf16(pair[lane * 2], pair[lane * 2 + 1]);
}
