// Operand tiles in shared memory and the fragments that tensor cores take from them, for bfloat16 and for float read as tf32.
// A tile is made of panels whose rows are 128 bytes, eight chunks of 16; chunks are swizzled so that no access meets a bank twice.
#pragma once
#include "chunk.cuh"

constexpr int ROW_BYTES = 128, CHUNKS = 8;  // chunks of a row

// How one pass over a tile's depth is cut: STEPS products of DEPTH / STEPS each, 32 bytes deep in either type.
template <typename T> constexpr int DEPTH = ROW_BYTES / (int)sizeof(T);     // elements along the summed axis of a tile
constexpr int STEPS = 4;

// The summed axis lies along a panel's rows (DEEP: one panel, a row per pixel or channel), or along its columns (WIDE: a row per
// element of the sum, a panel for every 128 bytes of pixels or channels).
enum Layout { DEEP, WIDE };

// Where chunk `chunk` (0 to 7) of row `row` lies in a panel. A wide tile of floats is read word by word, four rows at a time; every
// other tile by ldmatrix, eight rows at a time.
template <typename T, Layout LAYOUT> __device__ __forceinline__ int chunk_offset(int row, int chunk) {
    const int swizzle = LAYOUT == WIDE && sizeof(T) == 4 ? (row & 3) << 1 : row & 7;
    return row * ROW_BYTES + ((chunk ^ swizzle) << 4);
}

template <typename T> constexpr int PANEL_BYTES = DEPTH<T> * ROW_BYTES;  // of a wide tile

// Where chunk `chunk` of the `across` axis (pixels or channels, in chunks) lies in row `row` of a wide tile.
template <typename T> __device__ __forceinline__ int wide_offset(int row, int chunk) {
    return chunk / CHUNKS * PANEL_BYTES<T> + chunk_offset<T, WIDE>(row, chunk % CHUNKS);
}

// ldmatrix cannot turn a matrix of 32-bit elements, so that lane 4 g + q loads the words of its fragments itself, at the depths q and
// q + 4. A left fragment has rows g and g + 8 of one depth in neighbouring registers: which of 16 channels these are is free, as long as
// the sums are read in the same way, and they are 2 g and 2 g + 1, which one load brings to where the product wants them. A right
// fragment has one column at both depths, which are rows apart. (Wider loads would take a copy of each word to get them in order.)
// The lanes that are served at once, for two neighbouring chunks c and all q, meet chunks c ^ 2 q, all different.
template <typename T, Layout LAYOUT> constexpr bool BY_WORDS = LAYOUT == WIDE && sizeof(T) == 4;

// Where a lane reads the first fragment, at the first depth, of the part of a tile that begins at row or column `first`. A wide
// tile's part begins with a panel.
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

// The place `bytes` across a tile and `rows` (whole swizzles) down from `start`: constants beside at most four addresses, since across a
// panel the swizzle makes of the sum an exclusive or.
template <typename T>
__device__ __forceinline__ const unsigned char* further(const unsigned char* tile, int start, int bytes, int rows) {
    return tile + (start ^ bytes % ROW_BYTES) + (bytes / ROW_BYTES * PANEL_BYTES<T> + rows * ROW_BYTES);
}

// The left fragments of 16 N rows at depth step `step`.
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

// The right fragments of 8 N columns.
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

// A warp's share of a product, ROWS x COLUMNS, held in registers: sum[i][j] is 16 rows by 8 columns. Floats of the left and the right
// tile that are not all tf32 values are rounded, two instructions for every word that a lane loads.
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

    // Adds the product of two tiles in shared memory, whose parts for this warp begin at `row` and `column`. The fragments of the
    // next step are on their way while this one's are multiplied; meanwhile() is called where there is the most to hide it behind, if it
    // has no branch.
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

    // Calls visit(row, column, value, next value) for each pair of neighbouring columns that this lane holds.
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
