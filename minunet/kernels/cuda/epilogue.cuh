// The epilogue: what is done to each result of a convolution on its way out, so that no pass over an activation is spent on it.
#pragma once
#include "chunk.cuh"

// Absent parts are null. A mask may be the very array that its result is written to: both are touched by the same thread, in order.
template <typename T> struct Epilogue {
    const float* bias;       // (output channels,)
    const T *mask0, *mask1;  // of the outputs' shapes: a result is kept where its mask is positive
    T *out0, *out1;          // out1 takes the channels from out_channels0 on
    T* pooled;               // the largest of each 2x2 window of output pixels
    uint8_t* argmax;         // and its place, row-major; may be null
    int relu;
    int round_to_tf32;       // whether float results are rounded to tf32
};

// The largest of four results at the pixels of a 2x2 window, element by element; the first of equals wins, NaN over everything.
template <typename T> struct Largest {
    Chunk<T> best;
    uint8_t place[VECTOR<T>];

    __device__ __forceinline__ void see(const Chunk<T>& chunk, int t) {
#pragma unroll
        for (int e = 0; e < VECTOR<T>; e++) {
            const float seen = widen(chunk.elements[e]), top = widen(best.elements[e]);
            if (t == 0 || seen > top || (seen != seen && top == top)) best.elements[e] = chunk.elements[e], place[e] = t;
        }
    }
    // `at` is the window's first element of this chunk.
    __device__ __forceinline__ void leave(const Epilogue<T>& out, long long at) const {
        store_chunk(out.pooled + at, best);
        if (!out.argmax) return;
        uint32_t* places = reinterpret_cast<uint32_t*>(out.argmax + at);  // four in a word: bytes one by one would be four writes
#pragma unroll
        for (int e = 0; e < VECTOR<T>; e += 4)
            places[e / 4] = place[e] | place[e + 1] << 8 | place[e + 2] << 16 | (uint32_t)place[e + 3] << 24;
    }
};
