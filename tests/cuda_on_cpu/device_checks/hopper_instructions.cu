// Small kernels for each instruction of hopper.cuh. BUG plants one mistake, which the tests of the shim must notice; the right kernels
// also run on a GPU, to show that its data layouts are those of the shim. Launch code: hopper_instructions.py.
#include "hopper.cuh"

enum Bug {
    NONE, NO_WAIT, WRONG_PARITY, TOO_MANY_BYTES, TOO_FEW_BYTES, TOO_MANY_ARRIVALS, MISPLACED, NO_INIT_FENCE, OVERWRITTEN,
    EARLY_READ, NO_PRODUCT_WAIT, EARLY_RELEASE, LATE_WAIT, WRONG_GROUP, WRONG_PANEL, NO_FENCE, NO_COMMIT, DIVERGED, TWO_PRODUCTS,
    INSIDE_A_GROUP
};

// The 16-byte chunk `i` of row `row` of a box in shared memory.
__device__ __forceinline__ const uint4* chunk_of(const unsigned char* box, int row, int i) {
    return reinterpret_cast<const uint4*>(box + row * 128 + ((i ^ (row & 7)) << 4));
}

// y (rounds, rows, 128 bytes): boxes from corners (c0, c1 + round, c2, c3), one after the other through the same memory.
template <int BUG>
__global__ void box(const __grid_constant__ TensorMap map, uint4* y, int rounds, int rows, int c0, int c1, int c2, int c3) {
    DYNAMIC_SHARED(memory);
    uint64_t* landed = reinterpret_cast<uint64_t*>(memory + rows * 128);
    if (threadIdx.x == 0) {
        barrier_init(landed, 1);
        if (BUG != NO_INIT_FENCE) barrier_init_fence();
        if (BUG == OVERWRITTEN) *reinterpret_cast<float*>(landed) = 0;
    }
    __syncthreads();
    for (int round = 0; round < rounds; round++) {
        if (threadIdx.x == 0) {
            barrier_expect(landed, rows * 128 + (BUG == TOO_MANY_BYTES ? 16 : BUG == TOO_FEW_BYTES ? -16 : 0));
            if (BUG == TOO_MANY_ARRIVALS) barrier_arrive(landed);
            copy_box(memory + (BUG == MISPLACED ? 512 : 0), &map, landed, c0, c1 + round, c2, c3);
        }
        if (BUG != NO_WAIT) barrier_wait(landed, (round + (BUG == WRONG_PARITY)) & 1);
        for (int i = threadIdx.x; i < rows * 8; i += blockDim.x) y[(round * rows) * 8 + i] = *chunk_of(memory, i / 8, i % 8);
        __syncthreads();
    }
}

// y (64, 2 SUMS) = the product of A and B over `steps` boxes of each: a warp brings them through a ring of two, a warpgroup multiplies.
template <typename T, int SUMS, bool A_TRANSPOSED, bool B_TRANSPOSED, int BUG>
__global__ void product(const __grid_constant__ TensorMap a, const __grid_constant__ TensorMap b, float* y, int steps) {
    constexpr int DEPTH = 128 / sizeof(T);  // of a box along the sum
    constexpr int A_BYTES = 64 * 128, B_BYTES = SUMS * 2 * DEPTH * sizeof(T), STAGE = A_BYTES + B_BYTES;
    constexpr int PANEL = 64 * 128, A_SLICE = A_TRANSPOSED ? 2048 : 32, B_SLICE = B_TRANSPOSED ? 2048 : 32;
    DYNAMIC_SHARED(memory);
    uint64_t* full = reinterpret_cast<uint64_t*>(memory + 2 * STAGE);
    uint64_t* empty = full + 2;
    const int thread = threadIdx.x;
    if (thread == 0) {
        for (int stage = 0; stage < 2; stage++) {
            barrier_init(full + stage, 1);
            barrier_init(empty + stage, 128);
        }
        barrier_init_fence();
    }
    __syncthreads();
    if (thread >= 128) {
        for (int step = 0; thread == 128 && step < steps; step++) {
            unsigned char* stage = memory + step % 2 * STAGE;
            barrier_wait(empty + step % 2, (step / 2 & 1) ^ 1);
            barrier_expect(full + step % 2, A_BYTES + B_BYTES);
            copy_box(stage, &a, full + step % 2, A_TRANSPOSED ? 0 : step * DEPTH, A_TRANSPOSED ? step * DEPTH : 0, 0, 0);
            copy_box(stage + A_BYTES, &b, full + step % 2, B_TRANSPOSED ? 0 : step * DEPTH, B_TRANSPOSED ? step * DEPTH : 0, 0, 0);
        }
        return;
    }
    float d[SUMS];
    for (int i = 0; i < SUMS; i++) d[i] = 0;
    for (int step = 0; step < steps; step++) {
        const unsigned char* stage = memory + step % 2 * STAGE;
        const uint64_t rows = describe_operand(stage + (BUG == INSIDE_A_GROUP ? 3 * 128 : 0), 1024, A_TRANSPOSED ? PANEL : 16);
        const int group = BUG == WRONG_GROUP ? 2048 : 1024, panel = BUG == WRONG_PANEL ? 1024 : B_TRANSPOSED ? PANEL : 16;
        const uint64_t columns = describe_operand(stage + A_BYTES, group, panel);
        const int parity = (step / 2 & 1) ^ (BUG == WRONG_PARITY);
        if (BUG != NO_WAIT && BUG != LATE_WAIT) barrier_wait(full + step % 2, parity);
        if (BUG != NO_FENCE) warpgroup_fence();
        for (int k = 0; k < 4; k++) {
            if (BUG == DIVERGED && thread == 5) break;
            const int slice = BUG == TWO_PRODUCTS && thread == 5 ? 0 : k;
            warpgroup_multiply<T, A_TRANSPOSED, B_TRANSPOSED>(d, further(rows, k * A_SLICE), further(columns, slice * B_SLICE));
        }
        if (BUG != NO_COMMIT) warpgroup_commit();
        if (BUG == LATE_WAIT) barrier_wait(full + step % 2, parity);
        if (BUG == EARLY_RELEASE) barrier_arrive(empty + step % 2);
        if (BUG != NO_PRODUCT_WAIT) warpgroup_wait<1>();
        if (BUG != EARLY_RELEASE && step) barrier_arrive(empty + (step + 1) % 2);  // the products of the step before are done
    }
    if (BUG != EARLY_READ && BUG != NO_PRODUCT_WAIT) warpgroup_wait<0>();
    const int row = thread / 32 * 16 + thread % 32 / 4, column = thread % 4 * 2;
    for (int i = 0; i < SUMS; i++) y[(row + (i & 2) * 4) * SUMS * 2 + i / 4 * 8 + column + (i & 1)] = d[i];
    if (BUG == EARLY_READ) warpgroup_wait<0>();
}

// y (4, 8, 8) = the transposes of x (4, 8, 8), by one warp.
template <int BUG> __global__ void transpose(const uint32_t* x, uint16_t* y) {
    DYNAMIC_SHARED(memory);
    uint16_t* columns = reinterpret_cast<uint16_t*>(memory);
    const int lane = threadIdx.x;
    store_matrices_transposed(columns + lane * 8 + (BUG == MISPLACED), x[lane], x[32 + lane], x[64 + lane], x[96 + lane]);
    __syncwarp();
    for (int i = lane; i < 256; i += 32) y[i] = columns[i];
}
