// The epilogue: what is done with each result of a convolution before it is written (bias, ReLU, mask, 2x2 max pooling), so that no kernel
// of its own has to read and write the activation again. The launch code fills it in (epilogue.py).
#pragma once
#include "chunk.cuh"

// Pointers of absent parts are null. A mask may be the array that its result is written to, because the same thread first reads the mask and
// then writes the result.
template <typename T> struct Epilogue {
    const float* bias;       // (output channels,)
    const T *mask0, *mask1;  // of the shapes of the outputs: a result is 0 where its mask is not positive
    T *out0, *out1;          // out1 has the channels from out_channels0 on
    T* pooled;               // the maximum of each 2x2 window of output pixels
    uint8_t* argmax;         // and its position in the window, row by row; may be null
    int relu;
    int round_to_tf32;       // whether float results are rounded to tf32
};

// The maximum of the results at the four pixels of a 2x2 window, element by element. The first of equal values wins, NaN over everything.
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
    // Writes the maximum and its position; `at` is the index of this chunk in `pooled`.
    __device__ __forceinline__ void leave(const Epilogue<T>& out, long long at) const {
        store_chunk(out.pooled + at, best);
        if (!out.argmax) return;
        uint32_t* places = reinterpret_cast<uint32_t*>(out.argmax + at);  // four positions in one word, to write once instead of four times
#pragma unroll
        for (int e = 0; e < VECTOR<T>; e += 4)
            places[e / 4] = place[e] | place[e + 1] << 8 | place[e + 2] << 16 | (uint32_t)place[e + 3] << 24;
    }
};
