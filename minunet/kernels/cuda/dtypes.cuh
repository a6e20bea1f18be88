// The element types of the kernels: float, double and bfloat16. bfloat16 is only a storage type: arithmetic on it is in float, its wide type.
// Parameters (weights, biases and their gradients) have the wide type, so a bfloat16 network has float32 weights.
#pragma once
#include "device.cuh"

struct bfloat16 {
    uint16_t bits;
};

template <typename T> struct Number {
    typedef T Wide;
};
template <> struct Number<bfloat16> {
    typedef float Wide;
};
template <typename T> using Wide = typename Number<T>::Wide;

__device__ __forceinline__ float widen(float value) { return value; }
__device__ __forceinline__ double widen(double value) { return value; }
__device__ __forceinline__ float widen(bfloat16 value) { return __uint_as_float((uint32_t)value.bits << 16); }

template <typename T> __device__ __forceinline__ T narrow(Wide<T> value) { return value; }
// Rounds to nearest, ties to even, in integer arithmetic, which works on every GPU.
template <> __device__ __forceinline__ bfloat16 narrow<bfloat16>(float value) {
    uint32_t bits = __float_as_uint(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return {0x7fff};
    return {(uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16)};
}

// Rounded to tf32 (10 bits of mantissa), ties away from zero, as cvt.rna.tf32.f32 does. Tensor cores read such a float exactly.
__device__ __forceinline__ float as_tf32(float value) {
    const uint32_t bits = __float_as_uint(value);
    if ((bits & 0x7f800000u) == 0x7f800000u) return value;
    return __uint_as_float((bits + 0x1000u) & ~0x1fffu);
}
