// Addresses in shared memory, and the 128-byte swizzle in which bulk copies write and wgmma reads.
#pragma once
#include "block.h"

namespace shim {

// In a row of 128 bytes, the number of each 16-byte chunk is exclusive-or'd with the number of the row, modulo 8; rows count from a multiple
// of 1024 bytes.
inline uint32_t swizzled(uint32_t address) { return address ^ ((address >> 7 & 7) << 4); }

}  // namespace shim

inline uint32_t shared_address(const void* pointer) {
    const ptrdiff_t address = static_cast<const unsigned char*>(pointer) - shim::shared_memory;
    if (address < 0 || size_t(address) > shim::shared_bytes) shim::fail("a pointer that should be into shared memory is not");
    return uint32_t(address);
}
