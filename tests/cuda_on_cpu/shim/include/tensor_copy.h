// cp.async.bulk.tensor in tile mode: copies a box of a four-dimensional array to shared memory, in swizzled rows of 128 bytes, with zeros
// outside of the array. With EAGER it arrives at once; with LAZY when a thread waits at its barrier and no other thread makes progress.
#pragma once
#include "memory_barrier.h"

struct TensorMap;  // hopper.cuh

namespace shim {

constexpr int ROW_BYTES = 128;

// The map of the host launcher: innermost axis first, strides in bytes.
struct TensorBox {
    const char* address;
    int64_t shape[4], strides[4];
    int box[4];
    int itemsize;
    int corner[4];
    uint32_t to;  // in shared memory

    TensorBox(const uint64_t* words, const void* target, const int (&first)[4])
        : address(reinterpret_cast<const char*>(words[0])), itemsize(int(words[13])), to(shared_address(target)) {
        for (int axis = 0; axis < 4; axis++) {
            shape[axis] = int64_t(words[1 + axis]);
            strides[axis] = int64_t(words[5 + axis]);
            box[axis] = int(words[9 + axis]);
            corner[axis] = first[axis];
            if (shape[axis] < 1 || box[axis] < 1 || box[axis] > 256)
                fail("a tensor map's axis %d has %lld elements and a box of %d", axis, (long long)shape[axis], box[axis]);
            if (axis && strides[axis] % 16) fail("stride %lld of a tensor map is no multiple of 16", (long long)strides[axis]);
            if (axis && (strides[axis] % strides[axis - 1] || strides[axis] < shape[axis - 1] * strides[axis - 1]))
                fail("stride %lld of a tensor map does not hold the axes before it", (long long)strides[axis]);
        }
        if (uintptr_t(address) % 16) fail("a tensor map's array begins at a misaligned address");
        if (corner[0] * itemsize % 16) fail("a box begins at element %d of a row, at no multiple of 16 bytes", corner[0]);
        if (strides[0] != itemsize) fail("the innermost axis of a tensor map has gaps");
        if (box[0] * itemsize != ROW_BYTES) fail("a row of a tensor map's box has %d bytes, not 128", box[0] * itemsize);
        if (to % 1024) fail("a box goes to byte %u of shared memory, which is no multiple of 1024", to);
        if (to + bytes() > shared_bytes) fail("a box of %d bytes does not fit at byte %u of shared memory", bytes(), to);
    }

    int bytes() const { return ROW_BYTES * box[1] * box[2] * box[3]; }

    void land() const {
        uint32_t at = to;
        for (int d = 0; d < box[3]; d++)
            for (int c = 0; c < box[2]; c++)
                for (int b = 0; b < box[1]; b++, at += ROW_BYTES) {
                    char row[ROW_BYTES];
                    read_row({corner[1] + int64_t(b), corner[2] + int64_t(c), corner[3] + int64_t(d)}, row);
                    for (int i = 0; i < ROW_BYTES; i += 16) memcpy(shared_memory + swizzled(at + i), row + i, 16);
                }
    }

  private:
    void read_row(const int64_t (&outer)[3], char* row) const {
        memset(row, 0, ROW_BYTES);
        const char* from = address;
        for (int axis = 1; axis < 4; axis++) {
            if (outer[axis - 1] < 0 || outer[axis - 1] >= shape[axis]) return;
            from += outer[axis - 1] * strides[axis];
        }
        const int64_t first = max(int64_t(corner[0]), int64_t(0)), end = min(int64_t(corner[0]) + box[0], shape[0]);
        if (first < end) memcpy(row + (first - corner[0]) * itemsize, from + first * itemsize, (end - first) * itemsize);
    }
};

}  // namespace shim

inline void copy_box(void* to, const TensorMap* map, uint64_t* barrier, int c0, int c1, int c2, int c3) {
    const shim::TensorBox box(reinterpret_cast<const uint64_t*>(map), to, {c0, c1, c2, c3});
    shim::MemoryBarrier& at = shim::memory_barriers.at(barrier, "copy_box");
    auto land = [box, &at] {
        box.land();
        at.land(box.bytes());
    };
    if (shim::schedule == shim::EAGER)
        land();
    else
        at.put_off.push_back(land);
}
