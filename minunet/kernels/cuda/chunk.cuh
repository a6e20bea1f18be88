// A chunk: 16 bytes of neighbouring channels, the largest unit that a thread loads or stores at once. On tensor cores the numbers of
// channels are multiples of a chunk.
#pragma once
#include "dtypes.cuh"

constexpr int CHUNK_BYTES = 16;
template <typename T> constexpr int VECTOR = CHUNK_BYTES / (int)sizeof(T);  // elements of one chunk

template <typename T> union Chunk {
    uint4 whole;
    T elements[VECTOR<T>];
    __device__ __forceinline__ Chunk() {}
};
template <typename T> __device__ __forceinline__ Chunk<T> load_chunk(const void* from) {
    Chunk<T> chunk;
    chunk.whole = *reinterpret_cast<const uint4*>(from);
    return chunk;
}
template <typename T> __device__ __forceinline__ void store_chunk(T* to, const Chunk<T>& chunk) {
    *reinterpret_cast<uint4*>(to) = chunk.whole;
}
// Sets the elements to 0 where the mask is not positive.
template <typename T> __device__ __forceinline__ void keep_positive(Chunk<T>& chunk, const Chunk<T>& mask) {
#pragma unroll
    for (int e = 0; e < VECTOR<T>; e++)
        if (!(widen(mask.elements[e]) > 0)) chunk.elements[e] = narrow<T>(0.f);
}
