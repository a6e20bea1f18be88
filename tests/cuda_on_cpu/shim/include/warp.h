// A warp: 32 neighbouring threads that exchange values. The last lane to arrive does the exchange for all of them.
#pragma once
#include "block.h"

namespace shim {

struct Lane {  // the inputs and outputs of a lane in an exchange
    uint32_t a[4], b[2];
    float c[4];
    const void* address;
    void* target;
    uint64_t word;
};
inline Lane exchange[32][32];  // by warp, by lane

inline int warp() { return current->linear >> 5; }
inline int lane() { return current->linear & 31; }

// Every lane of the warp takes part; an incomplete warp cannot.
template <class Action> inline void warp_wide(const char* kind, Action action) {
    if (int(threads.size()) - warp() * 32 < 32) fail("%s in a warp of fewer than 32 threads", kind);
    meet(warp_barriers[warp()], 32, kind, action);
}

template <class T> inline T shuffle(T value, int source, const char* kind) {
    static_assert(sizeof(T) <= 8, "a shuffle moves at most 8 bytes");
    Lane* lanes = exchange[warp()];
    memcpy(&lanes[lane()].word, &value, sizeof value);
    warp_wide(kind, [] {});
    T result;
    memcpy(&result, &lanes[source].word, sizeof result);
    warp_wide("the end of a shuffle", [] {});  // no lane overwrites what another has not read yet
    return result;
}

inline void whole_warp(unsigned mask, const char* kind) {
    if (mask != ~0u) fail("%s with a mask that is not the whole warp", kind);
}

}  // namespace shim

inline void __syncwarp(unsigned mask = ~0u) {
    shim::whole_warp(mask, "__syncwarp");
    shim::warp_wide("__syncwarp", [] {});
}
template <class T> inline T __shfl_sync(unsigned mask, T value, int source) {
    shim::whole_warp(mask, "__shfl_sync");
    return shim::shuffle(value, source & 31, "__shfl_sync");
}
template <class T> inline T __shfl_xor_sync(unsigned mask, T value, int bits) {
    shim::whole_warp(mask, "__shfl_xor_sync");
    return shim::shuffle(value, (shim::lane() ^ bits) & 31, "__shfl_xor_sync");
}
template <class T> inline T __shfl_down_sync(unsigned mask, T value, int distance) {
    shim::whole_warp(mask, "__shfl_down_sync");
    int source = shim::lane() + distance;
    return shim::shuffle(value, source < 32 ? source : shim::lane(), "__shfl_down_sync");
}
