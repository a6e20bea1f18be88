// The tensor-core instructions of a warp: ldmatrix, stmatrix, and mma.sync in bfloat16 (m16n8k16) and tf32 (m16n8k8).
// The fragment layouts are those of the PTX manual; lane = 4 g + q throughout, where g is the group of rows and q the position in it.
#pragma once
#include "bfloat16.h"
#include "warp.h"

namespace shim {

inline void load_matrices(uint32_t (&r)[4], const void* row, bool transposed) {
    if (uintptr_t(row) % 16) fail("ldmatrix row at a misaligned address");
    Lane* lanes = exchange[warp()];
    const int me = lane();
    lanes[me].address = row;
    // Lane 8 i + j gives the address of row j of matrix i: eight 16-bit elements.
    warp_wide(transposed ? "ldmatrix.trans" : "ldmatrix", [lanes, transposed] {
        for (int t = 0; t < 32; t++)
            for (int i = 0; i < 4; i++) {
                uint16_t pair[2];
                for (int e = 0; e < 2; e++) {
                    int at_row = transposed ? t % 4 * 2 + e : t / 4, at_column = transposed ? t / 4 : t % 4 * 2 + e;
                    memcpy(&pair[e], static_cast<const char*>(lanes[i * 8 + at_row].address) + at_column * 2, 2);
                }
                lanes[t].a[i] = pair[0] | uint32_t(pair[1]) << 16;
            }
    });
    for (int i = 0; i < 4; i++) r[i] = lanes[me].a[i];
}

// Lane 8 i + j gives the address of column j of matrix i: eight 16-bit elements.
inline void store_matrices_transposed(void* column, const uint32_t (&r)[4]) {
    if (uintptr_t(column) % 16) fail("stmatrix column at a misaligned address");
    Lane* lanes = exchange[warp()];
    const int me = lane();
    lanes[me].target = column;
    memcpy(lanes[me].a, r, sizeof r);
    warp_wide("stmatrix.trans", [lanes] {
        for (int t = 0; t < 32; t++)
            for (int i = 0; i < 4; i++)
                for (int e = 0; e < 2; e++) {
                    const uint16_t element = lanes[t].a[i] >> 16 * e;
                    memcpy(static_cast<char*>(lanes[i * 8 + t % 4 * 2 + e].target) + t / 4 * 2, &element, 2);
                }
    });
}

template <int K, class Unpack>
inline void multiply(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1, const char* kind, Unpack unpack) {
    Lane* lanes = exchange[warp()];
    const int me = lane();
    memcpy(lanes[me].a, a, sizeof a);
    memcpy(lanes[me].c, c, sizeof c);
    lanes[me].b[0] = b0;
    lanes[me].b[1] = b1;
    warp_wide(kind, [lanes, unpack] {
        float A[16][K], B[K][8], C[16][8];
        for (int t = 0; t < 32; t++) {
            const int g = t / 4, q = t % 4;
            for (int i = 0; i < 4; i++) {
                unpack(lanes[t].a[i], &A[g + i % 2 * 8][K / 8 * q + i / 2 * (K / 2)]);
                C[g + i / 2 * 8][q * 2 + i % 2] = lanes[t].c[i];
            }
            for (int i = 0; i < 2; i++) {
                float column[2];
                unpack(lanes[t].b[i], column);
                for (int e = 0; e < K / 8; e++) B[K / 8 * q + i * (K / 2) + e][g] = column[e];
            }
        }
        for (int m = 0; m < 16; m++)
            for (int k = 0; k < K; k++)
                for (int n = 0; n < 8; n++) C[m][n] += A[m][k] * B[k][n];
        for (int t = 0; t < 32; t++)
            for (int i = 0; i < 4; i++) lanes[t].c[i] = C[t / 4 + i / 2 * 8][t % 4 * 2 + i % 2];
    });
    memcpy(c, lanes[me].c, sizeof c);
}

}  // namespace shim

inline void load_matrices(uint32_t (&r)[4], const void* row) { shim::load_matrices(r, row, false); }
inline void load_matrices_transposed(uint32_t (&r)[4], const void* row) { shim::load_matrices(r, row, true); }
inline void store_matrices_transposed(void* column, uint32_t r0, uint32_t r1, uint32_t r2, uint32_t r3) {
    shim::store_matrices_transposed(column, {r0, r1, r2, r3});
}

inline void multiply_bf16(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    shim::multiply<16>(c, a, b0, b1, "mma bf16", [](uint32_t word, float* to) {
        to[0] = shim::from_bfloat16(word & 0xffff);
        to[1] = shim::from_bfloat16(word >> 16);
    });
}
inline void multiply_tf32(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    shim::multiply<8>(c, a, b0, b1, "mma tf32",
                      [](uint32_t word, float* to) { to[0] = same_bits<float>(word & ~0x1fffu); });  // the low bits are ignored
}
inline uint32_t round_tf32(float value) { return shim::to_tf32(value); }
inline uint32_t pack_bf16(float low, float high) { return shim::to_bfloat16(low) | shim::to_bfloat16(high) << 16; }
