// A matrix product on tensor cores with mma.sync: its operand tiles in shared memory, and the fragments that each lane loads from them, in
// bfloat16, or in float read as tf32. Used by ampere_convolution.cu and ampere_weight_gradient.cu.
//
// A tile consists of panels. The rows of a panel have 128 bytes, eight chunks of 16; the chunks of a row are reordered (swizzled) so that
// no access uses a bank of shared memory twice.
#pragma once
#include "chunk.cuh"

constexpr int ROW_BYTES = 128, CHUNKS = 8;  // chunks in a row

// A tile is multiplied in STEPS steps of DEPTH / STEPS elements, 32 bytes in either type.
template <typename T> constexpr int DEPTH = ROW_BYTES / (int)sizeof(T);     // elements along the summed axis of a tile
constexpr int STEPS = 4;

// The summed axis is along the rows of a panel (DEEP: one panel, with one row per pixel or channel), or along its columns (WIDE: one row per
// element of the sum, one panel for every 128 bytes of pixels or channels).
enum Layout { DEEP, WIDE };

// The offset of chunk `chunk` (0 to 7) of row `row` in a panel. A wide tile of floats is read word by word, four rows at a time; all other
// tiles are read by ldmatrix, eight rows at a time.
template <typename T, Layout LAYOUT> __device__ __forceinline__ int chunk_offset(int row, int chunk) {
    const int swizzle = LAYOUT == WIDE && sizeof(T) == 4 ? (row & 3) << 1 : row & 7;
    return row * ROW_BYTES + ((chunk ^ swizzle) << 4);
}

template <typename T> constexpr int PANEL_BYTES = DEPTH<T> * ROW_BYTES;  // of a wide tile

// The offset of chunk `chunk` along the axis of pixels or channels, in row `row` of a wide tile.
template <typename T> __device__ __forceinline__ int wide_offset(int row, int chunk) {
    return chunk / CHUNKS * PANEL_BYTES<T> + chunk_offset<T, WIDE>(row, chunk % CHUNKS);
}

// BY_WORDS: ldmatrix cannot transpose a matrix of 32-bit elements. Lane 4 g + q therefore loads the words of its fragments itself, at the
// depths q and q + 4. In a left fragment, rows g and g + 8 of the same depth are in neighbouring registers. Which of the 16 channels these
// rows are is free, if the sums are read in the same way: they are channels 2 g and 2 g + 1, which a single load brings. A right fragment
// has one column at both depths, which are in different rows. (Wider loads would need copies to bring the words into order.)
// The lanes that access shared memory at the same time, those of two neighbouring chunks c and all q, use chunks c ^ 2 q, all different.
template <typename T, Layout LAYOUT> constexpr bool BY_WORDS = LAYOUT == WIDE && sizeof(T) == 4;

// The offset at which a lane reads the first fragment, at the first depth, of the part of a tile that begins at row or column `first`. In a
// wide tile that part begins at the start of a panel.
template <typename T, Layout LAYOUT> __device__ __forceinline__ int left_start(int first, int lane) {
    if constexpr (LAYOUT == DEEP) return chunk_offset<T, DEEP>(first + (lane & 15), lane >> 4);
    if constexpr (BY_WORDS<T, LAYOUT>) return wide_offset<T>(lane % 4, first / 4 + lane / 8) + lane / 4 % 2 * 8;
    return wide_offset<T>((lane >> 4) * 8 + (lane & 7), first / 8 + (lane >> 3 & 1));
}
template <typename T, Layout LAYOUT> __device__ __forceinline__ int right_start(int first, int lane) {
    if constexpr (LAYOUT == DEEP) return chunk_offset<T, DEEP>(first + (lane & 7) + (lane >> 4) * 8, lane >> 3 & 1);
    if constexpr (BY_WORDS<T, LAYOUT>) return wide_offset<T>(lane % 4, first / 4 + lane / 16) + lane / 4 % 4 * 4;
    return wide_offset<T>((lane >> 3 & 1) * 8 + (lane & 7), first / 8 + (lane >> 4));
}

// The address `bytes` to the right of `start` and `rows` (a multiple of the swizzle's period) below it. Within a row of a panel, the swizzle
// turns the addition into an exclusive or; so at most four addresses are computed, and the rest are constants.
template <typename T>
__device__ __forceinline__ const unsigned char* further(const unsigned char* tile, int start, int bytes, int rows) {
    return tile + (start ^ bytes % ROW_BYTES) + (bytes / ROW_BYTES * PANEL_BYTES<T> + rows * ROW_BYTES);
}

// Loads the left fragments of 16 N rows at step `step`.
template <typename T, Layout LAYOUT, int N>
__device__ __forceinline__ void left_fragments(uint32_t (&r)[N][4], const unsigned char* tile, int start, int step) {
#pragma unroll
    for (int i = 0; i < N; i++) {
        if constexpr (LAYOUT == DEEP)
            load_matrices(r[i], further<T>(tile, start, step * 32, i * 16));
        else if constexpr (BY_WORDS<T, LAYOUT>)
#pragma unroll
            for (int half = 0; half < 2; half++) {
                const unsigned char* at = further<T>(tile, start, i * 64, step * 8 + half * 4);
                const uint2 words = *reinterpret_cast<const uint2*>(at);
                r[i][half * 2] = words.x, r[i][half * 2 + 1] = words.y;
            }
        else
            load_matrices_transposed(r[i], further<T>(tile, start, i * 32, step * 16));
    }
}

// Loads the right fragments of 8 N columns at step `step`.
template <typename T, Layout LAYOUT, int N>
__device__ __forceinline__ void right_fragments(uint32_t (&r)[N][2], const unsigned char* tile, int start, int step) {
#pragma unroll
    for (int j = 0; j < N; j += 2) {
        uint32_t both[4];
        if constexpr (LAYOUT == DEEP)
            load_matrices(both, further<T>(tile, start, step * 32, j * 8));
        else if constexpr (BY_WORDS<T, LAYOUT>)
#pragma unroll
            for (int k = 0; k < 4; k++) {
                const unsigned char* at = further<T>(tile, start, (j + k / 2) * 32, step * 8 + k % 2 * 4);
                both[k] = *reinterpret_cast<const uint32_t*>(at);
            }
        else
            load_matrices_transposed(both, further<T>(tile, start, j * 16, step * 16));
        r[j][0] = both[0], r[j][1] = both[1], r[j + 1][0] = both[2], r[j + 1][1] = both[3];
    }
}

template <int N, int WORDS> __device__ __forceinline__ void round_fragments(uint32_t (&r)[N][WORDS]) {
#pragma unroll
    for (int i = 0; i < N; i++)
#pragma unroll
        for (int k = 0; k < WORDS; k++) r[i][k] = round_tf32(__uint_as_float(r[i][k]));
}

template <typename T>
__device__ __forceinline__ void multiply(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    if constexpr (sizeof(T) == 2)
        multiply_bf16(c, a, b0, b1);
    else
        multiply_tf32(c, a, b0, b1);
}

// The part of a product that a warp computes, ROWS x COLUMNS sums in registers; sum[i][j] is a block of 16 rows by 8 columns. ROUND_LEFT and
// ROUND_RIGHT: floats of this tile are rounded to tf32 first, which costs two instructions for every word that a lane loads.
template <typename T, int ROWS, int COLUMNS, Layout LEFT, Layout RIGHT, bool ROUND_LEFT, bool ROUND_RIGHT> struct WarpSum {
    static constexpr int DOWN = ROWS / 16, ALONG = COLUMNS / 8;
    static_assert((LEFT == DEEP || ROWS * sizeof(T) % ROW_BYTES == 0) && (RIGHT == DEEP || COLUMNS * sizeof(T) % ROW_BYTES == 0),
                  "a warp's part of a wide tile is whole panels");
    float sum[DOWN][ALONG][4];

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int i = 0; i < DOWN; i++)
#pragma unroll
            for (int j = 0; j < ALONG; j++)
#pragma unroll
                for (int k = 0; k < 4; k++) sum[i][j][k] = 0;
    }

    // Adds the product of two tiles in shared memory; the parts for this warp begin at `row` and `column`. While the fragments of one step
    // are multiplied, those of the next are loaded. meanwhile() is called at the first step, where the products hide its latency if it has no
    // branch.
    template <typename Meanwhile>
    __device__ __forceinline__ void add(const unsigned char* left, const unsigned char* right, int row, int column, int lane,
                                        Meanwhile meanwhile) {
        const int left_at = left_start<T, LEFT>(row, lane), right_at = right_start<T, RIGHT>(column, lane);
        uint32_t a[2][DOWN][4], b[2][ALONG][2];
        left_fragments<T, LEFT>(a[0], left, left_at, 0);
        right_fragments<T, RIGHT>(b[0], right, right_at, 0);
#pragma unroll
        for (int step = 0; step < STEPS; step++) {
            const int now = step % 2, next = 1 - now;
            if (step + 1 < STEPS) {
                left_fragments<T, LEFT>(a[next], left, left_at, step + 1);
                right_fragments<T, RIGHT>(b[next], right, right_at, step + 1);
            }
            if (step == 0) meanwhile();
            if constexpr (ROUND_LEFT) round_fragments(a[now]);
            if constexpr (ROUND_RIGHT) round_fragments(b[now]);
#pragma unroll
            for (int j = 0; j < ALONG; j++)
#pragma unroll
                for (int i = 0; i < DOWN; i++) multiply<T>(sum[i][j], a[now][i], b[now][j][0], b[now][j][1]);
        }
    }

    // Calls visit(row, column, value, next value) for each pair of neighbouring columns that this lane has.
    template <typename Visit> __device__ __forceinline__ void visit(int row, int column, int lane, Visit visit) const {
        const int g = lane / 4, first = row + (BY_WORDS<T, LEFT> ? g * 2 : g), apart = BY_WORDS<T, LEFT> ? 1 : 8;
#pragma unroll
        for (int i = 0; i < DOWN; i++)
#pragma unroll
            for (int half = 0; half < 2; half++)
#pragma unroll
                for (int j = 0; j < ALONG; j++)
                    visit(first + i * 16 + half * apart, column + j * 8 + lane % 4 * 2, sum[i][j][half * 2],
                          sum[i][j][half * 2 + 1]);
    }
};
