// Shared memory by number: addresses in it, and the 128-byte swizzle that bulk copies write and the products of warpgroups read.
#pragma once
#include "block.h"

namespace shim {

// Of the eight 16-byte chunks of a row of 128 bytes, the one whose number is exclusive-or'd with the row's; rows count from a
// multiple of 1024 bytes.
inline uint32_t swizzled(uint32_t address) { return address ^ ((address >> 7 & 7) << 4); }

}  // namespace shim

inline uint32_t shared_address(const void* pointer) {
    const ptrdiff_t address = static_cast<const unsigned char*>(pointer) - shim::shared_memory;
    if (address < 0 || size_t(address) > shim::shared_bytes) shim::fail("a pointer that should be into shared memory is not");
    return uint32_t(address);
}
