// wgmma: products by the 128 threads of four neighbouring warps, with operands in shared memory, computed at some time between their issue and
// the wait for them. With LAZY they are computed when issued, and do not see what arrives later; with EAGER when no thread makes progress,
// and see what a refill has overwritten.
#pragma once
#include <deque>

#include "bfloat16.h"
#include "shared_memory.h"

namespace shim {

struct Product {
    uint64_t a, b;        // descriptors
    float* sums[128];     // by thread
    void (*run)(const Product&);
};

struct Warpgroup {
    Barrier barrier;
    Product issued;             // collected while the threads arrive
    bool fenced = false;
    std::vector<Product> open;  // since the fence
    std::deque<std::vector<Product>> committed;
    size_t left = ~size_t(0);   // commits that need not be complete, for those who wait
};

inline struct Warpgroups : Unit {
    std::vector<Warpgroup> all;

    void begin_block() override { all.assign((threads.size() + 127) / 128, Warpgroup()); }
    std::string waiting() const override {
        int arrived = 0;
        for (const Warpgroup& group : all) arrived += group.barrier.arrived;
        return ", " + std::to_string(arrived) + " in warpgroup operations";
    }
    std::string unfinished() const override {
        for (const Warpgroup& group : all)
            if (group.fenced || !group.committed.empty()) return "the block ended before a warpgroup_wait for all products";
        return "";
    }
    Warpgroup& mine() { return all[current->linear / 128]; }
} warpgroups;

template <class Action> inline void warpgroup_wide(const char* kind, Action action) {
    if (threads.size() - current->linear / 128 * 128 < 128) fail("%s in a warpgroup of fewer than 128 threads", kind);
    meet(warpgroups.mine().barrier, 128, kind, action);
}

// 16 bytes of an operand, by their address before the swizzle.
inline const unsigned char* operand_chunk(uint32_t address) {
    if (address % 16 || swizzled(address) + 16 > shared_bytes) fail("an operand of a product reaches byte %u of shared memory", address);
    return shared_memory + swizzled(address);
}

// Element (row, k) of an operand as a product sees it, k running over 32 bytes of the sum.
template <int BYTES, bool TRANSPOSED, int ROWS> inline void read_operand(uint64_t operand, float (&to)[ROWS][32 / BYTES]) {
    constexpr int CHUNK = 16 / BYTES, K = 32 / BYTES;
    const uint32_t start = (operand & 0x3fff) << 4, panel = (operand >> 16 & 0x3fff) << 4, group = (operand >> 32 & 0x3fff) << 4;
    constexpr uint64_t FIELDS = 0x3fff | uint64_t(0x3fff) << 16 | uint64_t(0x3fff) << 32;
    if ((operand & ~FIELDS) != uint64_t(1) << 62) fail("an operand without the 128-byte swizzle, or whose address or offsets overflow");
    if (start >= shared_bytes) fail("an operand begins at byte %u, outside of shared memory", start);
    // What else the swizzle would do to an operand depends on a field that is 0 here ("matrix base offset").
    if (start % 1024 >= (TRANSPOSED ? 1 : 128) || start % 32) fail("an operand begins at byte %u, inside of a group of rows", start);
    if (!TRANSPOSED && panel != 16) fail("panels %u bytes apart, where the hardware assumes 16", panel);
    auto decode = [](const unsigned char* chunk, int i) {
        if constexpr (BYTES == 2) {
            uint16_t bits;
            memcpy(&bits, chunk + i * 2, 2);
            return from_bfloat16(bits);
        } else {
            uint32_t bits;
            memcpy(&bits, chunk + i * 4, 4);
            // The result of further bits is not defined.
            if (bits & 0x1fff && (bits & 0x7f800000) != 0x7f800000) fail("a factor of a product, %a, is no tf32 value", same_bits<float>(bits));
            return same_bits<float>(bits);
        }
    };
    if constexpr (TRANSPOSED) {
        for (int k = 0; k < K; k++)
            for (int row = 0; row < ROWS; row += CHUNK) {
                const unsigned char* chunk =
                    operand_chunk(start + k / 8 * group + k % 8 * 128 + row / 64 * panel + row % 64 * BYTES);
                for (int i = 0; i < CHUNK; i++) to[row + i][k] = decode(chunk, i);
            }
    } else {
        for (int row = 0; row < ROWS; row++)
            for (int k = 0; k < K; k += CHUNK) {
                const unsigned char* chunk = operand_chunk(start + row / 8 * group + row % 8 * 128 + k * BYTES);
                for (int i = 0; i < CHUNK; i++) to[row][k + i] = decode(chunk, i);
            }
    }
}

// Thread 32 w + 4 g + q: sums 4 j to 4 j + 3 are rows 16 w + g (twice) and 16 w + g + 8 (twice) of columns 8 j + 2 q and 8 j + 2 q + 1.
// Four sums at a time are one vector operation, which makes this fast enough at -O1 to simulate whole layers.
template <int K, int SUMS> inline void add_products(const float (&a)[64][K], const float (&b)[SUMS * 2][K], float* const* sums) {
    typedef float Four __attribute__((vector_size(16)));
    static Four columns[4][SUMS / 4][K];
    for (int q = 0; q < 4; q++)
        for (int j = 0; j < SUMS / 4; j++)
            for (int k = 0; k < K; k++) {
                const float first = b[j * 8 + q * 2][k], second = b[j * 8 + q * 2 + 1][k];
                columns[q][j][k] = Four{first, second, first, second};
            }
    for (int t = 0; t < 128; t++) {
        const int row = t / 32 * 16 + t % 32 / 4;
        Four rows[K];
        for (int k = 0; k < K; k++) rows[k] = Four{a[row][k], a[row][k], a[row + 8][k], a[row + 8][k]};
        for (int j = 0; j < SUMS / 4; j++) {
            const Four* column = columns[t % 4][j];
            Four even = {0, 0, 0, 0}, odd = {0, 0, 0, 0}, sum;
            for (int k = 0; k < K; k += 2) {
                even += rows[k] * column[k];
                odd += rows[k + 1] * column[k + 1];
            }
            memcpy(&sum, sums[t] + j * 4, sizeof sum);
            sum += even + odd;
            memcpy(sums[t] + j * 4, &sum, sizeof sum);
        }
    }
}

template <int BYTES, bool A_TRANSPOSED, bool B_TRANSPOSED, int SUMS> inline void run_product(const Product& product) {
    static float a[64][32 / BYTES], b[SUMS * 2][32 / BYTES];
    read_operand<BYTES, A_TRANSPOSED>(product.a, a);
    read_operand<BYTES, B_TRANSPOSED>(product.b, b);
    add_products<32 / BYTES, SUMS>(a, b, product.sums);
}

inline void finish_products(Warpgroup& group) {
    while (group.committed.size() > group.left) {
        for (const Product& product : group.committed.front()) product.run(product);
        group.committed.pop_front();
    }
}

}  // namespace shim

inline void warpgroup_fence() {
    shim::warpgroup_wide("wgmma.fence", [] { shim::warpgroups.mine().fenced = true; });
}

inline void warpgroup_commit() {
    shim::Warpgroup& group = shim::warpgroups.mine();
    shim::warpgroup_wide("wgmma.commit_group", [&group] {
        if (!group.fenced) shim::fail("warpgroup_commit without a warpgroup_fence");
        group.fenced = false;
        group.committed.push_back(std::move(group.open));
        group.open.clear();
    });
}

template <int LEFT> inline void warpgroup_wait() {
    shim::Warpgroup& group = shim::warpgroups.mine();
    shim::warpgroup_wide("wgmma.wait_group", [&group] {
        group.left = LEFT;
        if (shim::schedule == shim::LAZY) shim::finish_products(group);  // they were computed at their issue and are only removed here
    });
    while (group.committed.size() > LEFT)
        if (shim::take_turn())
            shim::finish_products(group);
        else
            shim::yield();
}

template <typename T, bool A_TRANSPOSED, bool B_TRANSPOSED, int SUMS>
inline void warpgroup_multiply(float (&d)[SUMS], uint64_t a, uint64_t b) {
    static_assert(SUMS == 128 || (SUMS == 96 && sizeof(T) == 2), "64 x 256, or in bfloat16 64 x 192");
    static_assert(sizeof(T) == 2 || (sizeof(T) == 4 && !A_TRANSPOSED && !B_TRANSPOSED), "only bfloat16 can be transposed");
    shim::Warpgroup& group = shim::warpgroups.mine();
    shim::Product& issued = group.issued;
    const auto run = &shim::run_product<sizeof(T), A_TRANSPOSED, B_TRANSPOSED, SUMS>;
    if (group.barrier.arrived == 0) issued.a = a, issued.b = b, issued.run = run;
    if (issued.a != a || issued.b != b || issued.run != run) shim::fail("the threads of a warpgroup issue different products");
    issued.sums[shim::current->linear % 128] = d;
    shim::warpgroup_wide("wgmma.mma_async", [&group] {
        if (!group.fenced) shim::fail("warpgroup_multiply without a warpgroup_fence");
        if (shim::schedule == shim::LAZY)
            group.issued.run(group.issued);
        else
            group.open.push_back(group.issued);
    });
}

// The shim only checks that all four warps of the warpgroup call these.
template <int COUNT> inline void give_registers() { shim::warpgroup_wide("setmaxnreg.dec", [] {}); }
template <int COUNT> inline void take_registers() { shim::warpgroup_wide("setmaxnreg.inc", [] {}); }
