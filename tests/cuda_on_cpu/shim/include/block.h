// A block of CUDA threads, run by fibers in one of two orders, with its shared memory (filled with 0xFF at first) and its barrier. Fibers are
// switched only where threads wait for each other. A round in which no thread makes progress is a deadlock.
#pragma once
#include <cstdarg>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "fiber.h"
#include "language.h"

namespace shim {

// LAZY: threads in ascending order; asynchronous copies arrive only when they are waited for, so a missing wait or barrier reads 0xFF.
// EAGER: threads in descending order; copies arrive at once, so a buffer that is refilled while another warp still reads it gives wrong sums.
// Hopper's asynchronous units: with LAZY, boxes arrive late and products read early; with EAGER, boxes arrive early and products read late.
enum Schedule { LAZY = 0, EAGER = 1 };

struct Copy { void* to; const void* from; int bytes; };  // from == nullptr writes zeros

struct Thread {
    dim3 index;
    int linear = 0;
    bool done = false;
    Context context;
    std::vector<Copy> open;                   // copies issued since the last commit
    std::vector<std::vector<Copy>> committed;  // groups that are not waited for yet, oldest first
};

struct Barrier {
    int arrived = 0;
    unsigned generation = 0;
    const char* kind = nullptr;
};

// Hardware that works asynchronously to the threads.
struct Unit {
    Unit() { units.push_back(this); }
    virtual void begin_block() = 0;
    virtual std::string waiting() const = 0;     // how many threads wait for it, for the message of a deadlock
    virtual std::string unfinished() const = 0;  // an error message if a block ends with unfinished work, else empty
    static inline std::vector<Unit*> units;
};

inline std::vector<Thread> threads;
inline Thread* current = nullptr;
inline Context scheduler;
inline dim3 block_index, block_size, grid_size;
inline unsigned char* shared_memory = nullptr;
inline size_t shared_bytes = 0;
inline Barrier block_barrier;
inline std::vector<Barrier> warp_barriers;
inline Schedule schedule = LAZY;
inline long progress = 0;
inline int alive = 0;
inline bool stuck = false;  // no thread made progress in a whole round: now the postponed work is done
inline std::string error;
inline void (*kernel_body)() = nullptr;

inline void yield() { current->context.switch_to(scheduler); }

inline std::string where() {
    return " [block " + std::to_string(block_index.x) + "," + std::to_string(block_index.y) + "," + std::to_string(block_index.z);
}

// Ends the whole launch with a message; the fiber that calls it never runs again.
[[noreturn]] inline void fail(const char* format, ...) {
    char text[512];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    error = text + where() + " thread " + std::to_string(current->linear) + "]";
    yield();
    abort();
}

// The last of `count` threads to arrive runs `action` once; then all go on. Two kinds meeting at one barrier is an error.
template <class Action> inline void meet(Barrier& barrier, int count, const char* kind, Action action) {
    if (barrier.arrived && barrier.kind != kind) fail("%s met %s: threads diverged", kind, barrier.kind);
    barrier.kind = kind;
    unsigned generation = barrier.generation;
    if (++barrier.arrived == count) {
        action();
        barrier.arrived = 0;
        barrier.generation++;
        progress++;
    } else {
        while (barrier.generation == generation) yield();
    }
}

// Whether the caller must do one piece of the postponed work; after it the other threads run again.
inline bool take_turn() {
    if (!stuck) return false;
    stuck = false;
    progress++;
    return true;
}

inline void thread_main() {
    kernel_body();
    current->done = true;
    alive--;
    progress++;
    yield();
    abort();
}

inline void run_block(std::vector<char*>& stacks) {
    const int count = int(threads.size());
    memset(shared_memory, 0xFF, shared_bytes);  // a NaN in bfloat16, float and double
    block_barrier = Barrier();
    warp_barriers.assign((count + 31) / 32, Barrier());
    alive = count;
    stuck = false;
    for (Unit* unit : Unit::units) unit->begin_block();
    for (int i = 0; i < count; i++) {
        Thread& thread = threads[i];
        thread.linear = i;
        thread.index = dim3(i % block_size.x, i / block_size.x % block_size.y, i / (block_size.x * block_size.y));
        thread.done = false;
        thread.open.clear();
        thread.committed.clear();
        thread.context.prepare(stacks[i], thread_main);
    }
    while (alive) {
        long before = progress;
        for (int i = 0; i < count && error.empty(); i++) {
            current = &threads[schedule == EAGER ? count - 1 - i : i];
            if (!current->done) scheduler.switch_to(current->context);
        }
        if (!error.empty()) return;
        if (progress == before && stuck) {
            int at_block = block_barrier.arrived, in_warps = 0;
            for (Barrier& warp : warp_barriers) in_warps += warp.arrived;
            error = "deadlock: " + std::to_string(count - alive) + " threads ended, " + std::to_string(at_block) +
                    " wait at __syncthreads, " + std::to_string(in_warps) + " in warp-wide operations";
            for (Unit* unit : Unit::units) error += unit->waiting();
            error += where() + "]";
            return;
        }
        stuck = progress == before;
    }
    for (Unit* unit : Unit::units) {
        error = unit->unfinished();
        if (!error.empty()) {
            error += where() + "]";
            return;
        }
    }
}

template <class T> inline T parameter(void* address) {
    alignas(T) unsigned char bytes[sizeof(T)];
    memcpy(bytes, address, sizeof(T));
    return *reinterpret_cast<T*>(bytes);
}
template <class... A, size_t... I> inline void call(void (*kernel)(A...), void** parameters, std::index_sequence<I...>) {
    kernel(parameter<A>(parameters[I])...);
}

// Runs every block of the grid, one after the other. Returns 0, or 1 with the reason in `error`.
template <class... A> inline int launch(void (*kernel)(A...), dim3 grid, dim3 block, size_t bytes, void** parameters) {
    static void (*the_kernel)(A...);
    static void** the_parameters;
    the_kernel = kernel;
    the_parameters = parameters;
    kernel_body = [] { call(the_kernel, the_parameters, std::index_sequence_for<A...>{}); };
    error.clear();
    grid_size = grid;
    block_size = block;
    threads.assign(block.x * block.y * block.z, Thread());
    std::vector<char*> stacks(threads.size());
    for (char*& stack : stacks) stack = static_cast<char*>(aligned_alloc(64, STACK_BYTES));
    // Exactly of the requested size, so that AddressSanitizer notices an access beyond it.
    shared_bytes = bytes;
    void* memory = nullptr;
    if (posix_memalign(&memory, 1024, bytes ? bytes : 1)) abort();
    shared_memory = static_cast<unsigned char*>(memory);
    for (unsigned z = 0; z < grid.z && error.empty(); z++)
        for (unsigned y = 0; y < grid.y && error.empty(); y++)
            for (unsigned x = 0; x < grid.x && error.empty(); x++) {
                block_index = dim3(x, y, z);
                run_block(stacks);
            }
    for (char* stack : stacks) free(stack);
    free(memory);
    threads.clear();
    return error.empty() ? 0 : 1;
}

}  // namespace shim

#define threadIdx (shim::current->index)
#define blockIdx (shim::block_index)
#define blockDim (shim::block_size)
#define gridDim (shim::grid_size)
#define DYNAMIC_SHARED(name) unsigned char* name = shim::shared_memory

// All threads of the block must arrive. A thread that returned early is a deadlock here.
inline void __syncthreads() { shim::meet(shim::block_barrier, int(shim::threads.size()), "__syncthreads", [] {}); }
