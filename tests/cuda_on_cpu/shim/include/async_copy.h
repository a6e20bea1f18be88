// cp.async: copies of 16 bytes to shared memory, which arrive in groups, at the latest when the thread waits for them. Hardware may complete
// them at any time in between; the two schedules use the earliest and the latest time.
#pragma once
#include "block.h"

namespace shim {
inline void land(const Copy& copy) {
    if (copy.from)
        memcpy(copy.to, copy.from, copy.bytes);
    else
        memset(copy.to, 0, copy.bytes);
}
}  // namespace shim

inline const void* element(const void* from, int index, int bytes) {
    return reinterpret_cast<const void*>(uintptr_t(from) + int64_t(index) * bytes);  // may be outside of the array if it is not used
}

inline void copy_async_16(void* to, const void* from, bool valid) {
    if (uintptr_t(to) % 16 || (valid && uintptr_t(from) % 16)) shim::fail("cp.async of 16 bytes at a misaligned address");
    shim::Copy copy{to, valid ? from : nullptr, 16};
    if (shim::schedule == shim::EAGER)
        shim::land(copy);
    else
        shim::current->open.push_back(copy);
}

inline void copy_async_commit() {
    shim::current->committed.push_back(std::move(shim::current->open));
    shim::current->open.clear();
}

template <int LEFT> inline void copy_async_wait() {  // until at most LEFT groups are not complete
    auto& groups = shim::current->committed;
    while (int(groups.size()) > LEFT) {
        for (const shim::Copy& copy : groups.front()) shim::land(copy);
        groups.erase(groups.begin());
    }
}
