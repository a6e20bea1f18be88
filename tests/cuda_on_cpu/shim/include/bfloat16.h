// bfloat16 as bits: the upper half of a float, rounded to nearest with ties to even, as cvt.rn.bf16.f32 does.
#pragma once
#include "language.h"

namespace shim {

inline float from_bfloat16(uint32_t bits) { return same_bits<float>(bits << 16); }

inline uint32_t to_bfloat16(float value) {
    uint32_t bits = same_bits<uint32_t>(value);
    if ((bits & 0x7fffffff) > 0x7f800000) return 0x7fff;  // the NaN that the instruction returns
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

// tf32: 10 bits of mantissa, rounded to nearest with ties away from zero (cvt.rna.tf32.f32).
inline uint32_t to_tf32(float value) {
    uint32_t bits = same_bits<uint32_t>(value);
    if ((bits & 0x7f800000) == 0x7f800000) return bits;
    return (bits + 0x1000) & ~0x1fffu;
}

}  // namespace shim
