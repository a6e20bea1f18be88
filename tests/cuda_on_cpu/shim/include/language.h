// The keywords and functions of CUDA C++ that g++ does not know: qualifiers, vector types, and the few built-in functions that kernels use.
// Everything that needs more than a definition (threads, barriers, warps, copies, matrices) has a header of its own.
#pragma once
#include <algorithm>
#include <math.h>  // with the overloads for float
#include <cstddef>
#include <cstdint>
#include <cstring>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __restrict__ __restrict
#define __grid_constant__
#define __align__(n) alignas(n)

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
struct alignas(8) uint2 { uint32_t x, y; };
struct alignas(16) uint4 { uint32_t x, y, z, w; };
struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
inline uint4 make_uint4(uint32_t x, uint32_t y, uint32_t z, uint32_t w) { return {x, y, z, w}; }
inline float2 make_float2(float x, float y) { return {x, y}; }

using std::max;
using std::min;

template <class To, class From> inline To same_bits(From from) {
    static_assert(sizeof(To) == sizeof(From), "same_bits needs types of one size");
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}
inline float __uint_as_float(uint32_t bits) { return same_bits<float>(bits); }
inline uint32_t __float_as_uint(float value) { return same_bits<uint32_t>(value); }
inline uint32_t __umulhi(uint32_t a, uint32_t b) { return uint32_t(uint64_t(a) * b >> 32); }
