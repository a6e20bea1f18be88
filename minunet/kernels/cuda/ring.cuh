// A ring of stages in shared memory (a pipeline with one producer): one thread starts bulk copies into the stages, warps multiply what has
// arrived and then release the stage.
#pragma once
#include "hopper.cuh"

// The position of a thread in the ring. The parity of the barriers' phases changes each time the ring is completed.
template <int STAGES> struct Turn {
    int stage = 0, parity = 0;
    __device__ __forceinline__ void next() {
        if (++stage == STAGES) stage = 0, parity ^= 1;
    }
};

template <int STAGES> struct Ring {
    static constexpr int BARRIER_BYTES = 2 * STAGES * (int)sizeof(uint64_t);
    uint64_t *full, *empty;  // one barrier each for every stage

    // Called by all threads of the block; `users` warps release each stage.
    __device__ __forceinline__ Ring(unsigned char* barriers, int users)
        : full(reinterpret_cast<uint64_t*>(barriers)), empty(full + STAGES) {
        if (threadIdx.x == 0) {
            for (int stage = 0; stage < STAGES; stage++) {
                barrier_init(full + stage, 1);
                barrier_init(empty + stage, users);
            }
            barrier_init_fence();
        }
        __syncthreads();
    }

    // Called by the copying thread: waits until the stage is free, and returns the barrier at which `bytes` will arrive.
    __device__ __forceinline__ uint64_t* open(const Turn<STAGES>& turn, int bytes) const {
        barrier_wait(empty + turn.stage, turn.parity ^ 1);
        barrier_expect(full + turn.stage, bytes);
        return full + turn.stage;
    }
    __device__ __forceinline__ void wait(const Turn<STAGES>& turn) const { barrier_wait(full + turn.stage, turn.parity); }
    // Releases a stage; called once by each warp.
    __device__ __forceinline__ void hand_back(int stage, int lane) const {
        if (lane == 0) barrier_arrive(empty + stage);
    }
    // Commits the products that were issued on this stage, waits for those of the stage `before` (-1 for none), releases that stage, and
    // moves on: while one stage is multiplied, the other is filled.
    __device__ __forceinline__ void issued(Turn<STAGES>& turn, int& before, int lane) const {
        warpgroup_commit();
        warpgroup_wait<1>();
        if (before >= 0) hand_back(before, lane);
        before = turn.stage;
        turn.next();
    }
};
