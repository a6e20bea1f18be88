// mbarrier: barriers in shared memory. Threads arrive at them, copies count their bytes there, and threads wait for a phase by its parity.
// The word of a barrier holds its number and a mark, so that a barrier that was overwritten or not initialised is noticed.
#pragma once
#include <deque>
#include <functional>

#include "shared_memory.h"

namespace shim {

constexpr uint64_t BARRIER_MARK = 0x6d6261727269;
constexpr int MOST_BYTES = (1 << 20) - 1;  // that a barrier can count

struct MemoryBarrier {
    uint32_t address;
    int arrivals, missing;  // of a phase, and those still to come in this one
    int initialised_by;
    bool fenced = false;
    int64_t bytes = 0;   // expected in this phase and not arrived yet
    unsigned ended = 0;  // phases
    int waiting = 0;     // threads
    std::deque<std::function<void()>> put_off;  // copies that have not arrived, oldest first

    void go_on() {
        progress++;
        if (missing || bytes) return;
        ended++;
        missing = arrivals;
    }
    void arrive() {
        if (missing == 0) fail("more than the %d arrivals that the barrier at byte %u of shared memory waits for", arrivals, address);
        missing--;
        go_on();
    }
    void expect(int more) {
        if (more < 0 || bytes + more > MOST_BYTES) fail("a barrier cannot expect %d more bytes", more);
        bytes += more;
    }
    void land(int landed) {
        bytes -= landed;
        if (bytes < 0) fail("copies brought %d bytes more than the barrier at byte %u expects", int(-bytes), address);
        go_on();
    }
};

inline struct MemoryBarriers : Unit {
    std::deque<MemoryBarrier> all;

    void begin_block() override { all.clear(); }
    std::string waiting() const override {
        int threads = 0;
        std::string missing;
        for (const MemoryBarrier& barrier : all) {
            threads += barrier.waiting;
            if (barrier.waiting && missing.size() < 200)
                missing += (missing.empty() ? " (" : "; ") + std::string("at byte ") + std::to_string(barrier.address) + " " +
                           std::to_string(barrier.missing) + " arrivals and " + std::to_string(barrier.bytes) +
                           " bytes are missing after " + std::to_string(barrier.ended) + " phases";
        }
        return ", " + std::to_string(threads) + " at barriers in shared memory" + missing + (missing.empty() ? "" : ")");
    }
    std::string unfinished() const override {
        size_t copies = 0;
        for (const MemoryBarrier& barrier : all) copies += barrier.put_off.size();
        return copies ? "the block ended while " + std::to_string(copies) + " bulk copies were under way" : "";
    }
    MemoryBarrier& at(const uint64_t* word, const char* use) {
        const uint64_t number = *word & 0xffff;
        if (shared_address(word) % 8 || *word >> 16 != BARRIER_MARK || number >= all.size())
            fail("%s: there is no barrier at byte %u of shared memory, or it was overwritten", use, shared_address(word));
        if (!all[number].fenced) fail("%s: no barrier_init_fence after the barrier's initialisation", use);
        return all[number];
    }
} memory_barriers;

}  // namespace shim

inline void barrier_init(uint64_t* word, int arrivals) {
    const uint32_t address = shared_address(word);
    if (address % 8 || address + 8 > shim::shared_bytes) shim::fail("a barrier at byte %u of shared memory", address);
    if (*word >> 16 == shim::BARRIER_MARK) shim::fail("the barrier at byte %u was initialised twice", address);
    if (arrivals < 1 || arrivals > shim::MOST_BYTES) shim::fail("a barrier for %d arrivals", arrivals);
    *word = shim::BARRIER_MARK << 16 | shim::memory_barriers.all.size();
    shim::memory_barriers.all.push_back({address, arrivals, arrivals, shim::current->linear});
}

inline void barrier_init_fence() {
    for (shim::MemoryBarrier& barrier : shim::memory_barriers.all)
        barrier.fenced |= barrier.initialised_by == shim::current->linear;
}

inline void barrier_expect(uint64_t* word, int bytes) {
    shim::MemoryBarrier& barrier = shim::memory_barriers.at(word, "barrier_expect");
    barrier.expect(bytes);
    barrier.arrive();
}

inline void barrier_arrive(uint64_t* word) { shim::memory_barriers.at(word, "barrier_arrive").arrive(); }

inline void barrier_wait(uint64_t* word, int parity) {
    shim::MemoryBarrier& barrier = shim::memory_barriers.at(word, "barrier_wait");
    if (parity & ~1) shim::fail("barrier_wait for a parity of %d", parity);
    barrier.waiting++;
    while (int(barrier.ended & 1) == parity) {
        if (!barrier.put_off.empty() && shim::take_turn()) {
            auto land = std::move(barrier.put_off.front());
            barrier.put_off.pop_front();
            land();
        } else {
            shim::yield();
            if (int(barrier.ended & 1) != parity) shim::progress++;
        }
    }
    barrier.waiting--;
}
