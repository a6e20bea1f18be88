// Operand tiles in shared memory and the fragments that tensor cores take from them, for bfloat16 and for float read as tf32.
// A tile is made of panels whose rows are 128 bytes, eight chunks of 16; chunks are swizzled so that no access meets a bank twice.
#pragma once
#include "chunk.cuh"

constexpr int ROW_BYTES = 128, CHUNKS = 8;  // chunks of a row

// How one pass over a tile's depth is cut: STEPS products of DEPTH / STEPS each, 32 bytes deep in either type.
template <typename T> constexpr int DEPTH = ROW_BYTES / (int)sizeof(T);     // elements along the summed axis of a tile
constexpr int STEPS = 4;

// Blocks at once on a multiprocessor, `wanted` or as many as its shared memory holds: registers are divided among no more.
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ == 900 || __CUDA_ARCH__ == 1000
constexpr int MULTIPROCESSOR_BYTES = 228 << 10;
#elif __CUDA_ARCH__ == 800
constexpr int MULTIPROCESSOR_BYTES = 164 << 10;
#else
constexpr int MULTIPROCESSOR_BYTES = 100 << 10;
#endif
template <int WANTED, int BYTES>
constexpr int BLOCKS_THAT_FIT = MULTIPROCESSOR_BYTES / (BYTES + 1024) < WANTED ? MULTIPROCESSOR_BYTES / (BYTES + 1024) : WANTED;

// The summed axis lies along a panel's rows (DEEP: one panel, a row per pixel or channel), or along its columns (WIDE: a row per
// element of the sum, a panel for every 128 bytes of pixels or channels).
enum Layout { DEEP, WIDE };

// Where chunk `chunk` (0 to 7) of row `row` lies in a panel. A wide tile of floats is read word by word, four rows at a time; every
// other tile by ldmatrix, eight rows at a time.
template <typename T, Layout LAYOUT> __device__ __forceinline__ int chunk_offset(int row, int chunk) {
    const int swizzle = LAYOUT == WIDE && sizeof(T) == 4 ? (row & 3) << 1 : row & 7;
    return row * ROW_BYTES + ((chunk ^ swizzle) << 4);
}

// Where chunk `chunk` of the `across` axis (pixels or channels, in chunks) lies in row `row` of a wide tile.
template <typename T> __device__ __forceinline__ int wide_offset(int row, int chunk) {
    return chunk / CHUNKS * (DEPTH<T> * ROW_BYTES) + chunk_offset<T, WIDE>(row, chunk % CHUNKS);
}

__device__ __forceinline__ uint32_t wide_word(const unsigned char* tile, int row, int across) {
    return *reinterpret_cast<const uint32_t*>(tile + wide_offset<float>(row, across / 4) + across % 4 * 4);
}

template <typename T> __device__ __forceinline__ void round_fragment(uint32_t (&r)[4]) {
    if (sizeof(T) == 4)
#pragma unroll
        for (int i = 0; i < 4; i++) r[i] = round_tf32(__uint_as_float(r[i]));
}

// The left fragment of rows `first` to first + 15, at depth step `step`.
template <typename T, Layout LAYOUT>
__device__ __forceinline__ void left_fragment(uint32_t (&r)[4], const unsigned char* tile, int first, int step, int lane) {
    if constexpr (LAYOUT == DEEP) {
        load_matrices(r, tile + chunk_offset<T, DEEP>(first + (lane & 15), step * 2 + (lane >> 4)));
    } else if constexpr (sizeof(T) == 2) {
        const int row = step * 16 + (lane >> 4) * 8 + (lane & 7);
        load_matrices_transposed(r, tile + wide_offset<T>(row, first / 8 + (lane >> 3 & 1)));
    } else {
        const int row = step * 8 + lane % 4, across = first + lane / 4;
        r[0] = wide_word(tile, row, across);
        r[1] = wide_word(tile, row, across + 8);
        r[2] = wide_word(tile, row + 4, across);
        r[3] = wide_word(tile, row + 4, across + 8);
    }
    round_fragment<T>(r);
}

// The right fragments of columns `first` to first + 7 (r[0], r[1]) and the next eight (r[2], r[3]).
template <typename T, Layout LAYOUT>
__device__ __forceinline__ void right_fragments(uint32_t (&r)[4], const unsigned char* tile, int first, int step, int lane) {
    if constexpr (LAYOUT == DEEP) {
        const int row = first + (lane & 7) + (lane >> 4) * 8;
        load_matrices(r, tile + chunk_offset<T, DEEP>(row, step * 2 + (lane >> 3 & 1)));
    } else if constexpr (sizeof(T) == 2) {
        const int row = step * 16 + (lane >> 3 & 1) * 8 + (lane & 7);
        load_matrices_transposed(r, tile + wide_offset<T>(row, first / 8 + (lane >> 4)));
    } else {
        const int row = step * 8 + lane % 4, across = first + lane / 4;
        r[0] = wide_word(tile, row, across);
        r[1] = wide_word(tile, row + 4, across);
        r[2] = wide_word(tile, row, across + 8);
        r[3] = wide_word(tile, row + 4, across + 8);
    }
    round_fragment<T>(r);
}

template <typename T>
__device__ __forceinline__ void multiply(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    if constexpr (sizeof(T) == 2)
        multiply_bf16(c, a, b0, b1);
    else
        multiply_tf32(c, a, b0, b1);
}

// A warp's share of a product, ROWS x COLUMNS, held in registers: sum[i][j] is 16 rows by 8 columns.
template <typename T, int ROWS, int COLUMNS> struct WarpSum {
    float sum[ROWS / 16][COLUMNS / 8][4];

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int i = 0; i < ROWS / 16; i++)
#pragma unroll
            for (int j = 0; j < COLUMNS / 8; j++)
#pragma unroll
                for (int k = 0; k < 4; k++) sum[i][j][k] = 0;
    }

    // Adds the product of two tiles in shared memory, whose part for this warp begins at `row` and `column`.
    template <Layout LEFT, Layout RIGHT>
    __device__ __forceinline__ void add(const unsigned char* left, const unsigned char* right, int row, int column, int lane) {
#pragma unroll
        for (int step = 0; step < STEPS; step++) {
            uint32_t a[ROWS / 16][4];
#pragma unroll
            for (int i = 0; i < ROWS / 16; i++) left_fragment<T, LEFT>(a[i], left, row + i * 16, step, lane);
#pragma unroll
            for (int j = 0; j < COLUMNS / 8; j += 2) {
                uint32_t b[4];
                right_fragments<T, RIGHT>(b, right, column + j * 8, step, lane);
#pragma unroll
                for (int i = 0; i < ROWS / 16; i++) {
                    multiply<T>(sum[i][j], a[i], b[0], b[1]);
                    multiply<T>(sum[i][j + 1], a[i], b[2], b[3]);
                }
            }
        }
    }

    // Calls visit(row, column, value, next value) for each pair of neighbouring columns that this lane holds.
    template <typename Visit> __device__ __forceinline__ void visit(int row, int column, int lane, Visit visit) const {
#pragma unroll
        for (int i = 0; i < ROWS / 16; i++)
#pragma unroll
            for (int j = 0; j < COLUMNS / 8; j++)
#pragma unroll
                for (int half = 0; half < 2; half++)
                    visit(row + i * 16 + lane / 4 + half * 8, column + j * 8 + lane % 4 * 2, sum[i][j][half * 2],
                          sum[i][j][half * 2 + 1]);
    }
};
