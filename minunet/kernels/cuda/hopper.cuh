// Instructions of sm_90a (Hopper): bulk tensor copies that signal barriers in shared memory (TMA), and products by a warpgroup of 128 threads
// with operands in shared memory (wgmma). Inline PTX, as in device.cuh. When the kernels are built for the CPU, the host shim of the tests
// defines the same functions.
#pragma once
#include "device.cuh"

// The description of a four-dimensional array for bulk copies, encoded by the driver (tensor_map.py), passed by value.
struct alignas(64) TensorMap {
    uint64_t words[16];
};

// The descriptor of an operand of a product in shared memory. The operand has rows of 128 bytes, whose eight 16-byte chunks are swizzled by
// the address (bits 4 to 6 exclusive-or bits 7 to 9), as bulk tensor copies write them. Eight rows are a group of 1024 bytes.
//   Summed axis along the rows (not transposed): groups of rows are `group_bytes` apart; `panel_bytes` is 16, as the hardware assumes.
//   Summed axis across the rows (transposed, only for bfloat16): groups of rows are `group_bytes` apart along the sum; the next 128 bytes
//   of the other axis are `panel_bytes` further.
// `first` is in the first row of a group.
// PTX ISA, "Matrix descriptor": address, leading and stride byte offsets in units of 16 bytes, mode 1 (128-byte swizzle) at bit 62.
__device__ __forceinline__ uint64_t describe_operand(const void* first, int group_bytes, int panel_bytes = 16) {
    return (uint64_t)((shared_address(first) & 0x3ffffu) >> 4) | (uint64_t)(panel_bytes >> 4) << 16 |
           (uint64_t)(group_bytes >> 4) << 32 | (uint64_t)1 << 62;
}

// The same operand, moved by `bytes`.
__device__ __forceinline__ uint64_t further(uint64_t operand, int bytes) { return operand + (uint64_t)(bytes >> 4); }

#ifdef __CUDACC__

// Barriers (mbarrier). A phase ends when `arrivals` threads have arrived and all bytes that they expect have been written.
__device__ __forceinline__ void barrier_init(uint64_t* barrier, int arrivals) {
    asm volatile("mbarrier.init.shared.b64 [%0], %1;\n" ::"r"(shared_address(barrier)), "r"(arrivals) : "memory");
}
// After the initialisation of the barriers, by the same thread, before a __syncthreads.
__device__ __forceinline__ void barrier_init_fence() {
    asm volatile("fence.mbarrier_init.release.cluster;\nfence.proxy.async.shared::cta;\n" ::: "memory");
}
// Arrives, and makes the phase wait for this many bytes of copies.
__device__ __forceinline__ void barrier_expect(uint64_t* barrier, int bytes) {
    asm volatile("mbarrier.arrive.expect_tx.shared.b64 _, [%0], %1;\n" ::"r"(shared_address(barrier)), "r"(bytes) : "memory");
}
__device__ __forceinline__ void barrier_arrive(uint64_t* barrier) {
    asm volatile("mbarrier.arrive.shared.b64 _, [%0];\n" ::"r"(shared_address(barrier)) : "memory");
}
// Waits until the phase of this parity has ended. Phases alternate 0, 1, 0, ...; the one before the first counts as 1.
__device__ __forceinline__ void barrier_wait(uint64_t* barrier, int parity) {
    asm volatile(
        "{\n.reg .pred ended;\nagain:\nmbarrier.try_wait.parity.shared.b64 ended, [%0], %1;\n@!ended bra again;\n}\n" ::"r"(
            shared_address(barrier)),
        "r"(parity)
        : "memory");
}

// Copies the box of the map that begins at element (c0, c1, c2, c3), innermost first, to 1024-byte aligned shared memory, swizzled, with zeros
// outside of the array. The barrier counts its bytes, including the zeros. c0 elements are a multiple of 16 bytes: on an H200 others are
// an illegal instruction.
__device__ __forceinline__ void copy_box(void* to, const TensorMap* map, uint64_t* barrier, int c0, int c1, int c2, int c3) {
    asm volatile(
        "cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5, %6}], [%2];\n" ::"r"(
            shared_address(to)),
        "l"(map), "r"(shared_address(barrier)), "r"(c0), "r"(c1), "r"(c2), "r"(c3)
        : "memory");
}

// Products are issued between warpgroup_fence and warpgroup_commit. warpgroup_wait<LEFT> waits until at most LEFT commits are not complete;
// until then the sums must not be used. All 128 threads call these.
__device__ __forceinline__ void warpgroup_fence() { asm volatile("wgmma.fence.sync.aligned;\n" ::: "memory"); }
__device__ __forceinline__ void warpgroup_commit() { asm volatile("wgmma.commit_group.sync.aligned;\n" ::: "memory"); }
template <int LEFT> __device__ __forceinline__ void warpgroup_wait() {
    asm volatile("wgmma.wait_group.sync.aligned %0;\n" ::"n"(LEFT) : "memory");
}

// Sets the number of registers of each thread, a multiple of 8, for all four warps of a warpgroup: reduces it, or raises it, which waits until
// enough registers are free.
template <int COUNT> __device__ __forceinline__ void give_registers() {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;\n" ::"n"(COUNT));
}
template <int COUNT> __device__ __forceinline__ void take_registers() {
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;\n" ::"n"(COUNT));
}

// Stores four 8x8 matrices of 16-bit elements transposed. They are in registers as the results of mma.sync and wgmma are (lane 4 g + q: row g,
// columns 2 q and 2 q + 1); lane 8 i + j gives the address of column j of matrix i.
__device__ __forceinline__ void store_matrices_transposed(void* column, uint32_t r0, uint32_t r1, uint32_t r2, uint32_t r3) {
    asm volatile("stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%0], {%1, %2, %3, %4};\n" ::"r"(shared_address(column)),
                 "r"(r0), "r"(r1), "r"(r2), "r"(r3)
                 : "memory");
}

#define SUMS_8(d, i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]), "+f"(d[i + 7])
#define SUMS_32(d, i) SUMS_8(d, i), SUMS_8(d, i + 8), SUMS_8(d, i + 16), SUMS_8(d, i + 24)
#define NAMES_96                                                                                                            \
    "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31,"  \
    "%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,"    \
    "%61,%62,%63,%64,%65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,%79,%80,%81,%82,%83,%84,%85,%86,%87,%88,%89,"    \
    "%90,%91,%92,%93,%94,%95"
#define NAMES_128                                                                                                         \
    NAMES_96                                                                                                              \
    ",%96,%97,%98,%99,%100,%101,%102,%103,%104,%105,%106,%107,%108,%109,%110,%111,%112,%113,%114,%115,%116,%117,%118,%119," \
    "%120,%121,%122,%123,%124,%125,%126,%127"

// d (64 x 2 SUMS) += a (64 x 32 bytes) b (32 bytes x 2 SUMS), where d has SUMS numbers per thread. Thread 32 w + 4 g + q has rows 16 w + g
// (elements 4 j, 4 j + 1) and 16 w + g + 8 (4 j + 2, 4 j + 3) of columns 8 j + 2 q and 8 j + 2 q + 1.
template <typename T, bool A_TRANSPOSED, bool B_TRANSPOSED>
__device__ __forceinline__ void warpgroup_multiply(float (&d)[128], uint64_t a, uint64_t b) {
    static_assert(sizeof(T) == 2 || (!A_TRANSPOSED && !B_TRANSPOSED), "only bfloat16 can be read across its rows");
    if constexpr (sizeof(T) == 2)
        asm volatile("wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16 {" NAMES_128 "}, %128, %129, 1, 1, 1, %130, %131;\n"
                     : SUMS_32(d, 0), SUMS_32(d, 32), SUMS_32(d, 64), SUMS_32(d, 96)
                     : "l"(a), "l"(b), "n"((int)A_TRANSPOSED), "n"((int)B_TRANSPOSED));
    else
        asm volatile("wgmma.mma_async.sync.aligned.m64n256k8.f32.tf32.tf32 {" NAMES_128 "}, %128, %129, 1, 1, 1;\n"
                     : SUMS_32(d, 0), SUMS_32(d, 32), SUMS_32(d, 64), SUMS_32(d, 96)
                     : "l"(a), "l"(b));
}
template <typename T, bool A_TRANSPOSED, bool B_TRANSPOSED>
__device__ __forceinline__ void warpgroup_multiply(float (&d)[96], uint64_t a, uint64_t b) {
    static_assert(sizeof(T) == 2, "only bfloat16 has products of this width");
    asm volatile("wgmma.mma_async.sync.aligned.m64n192k16.f32.bf16.bf16 {" NAMES_96 "}, %96, %97, 1, 1, 1, %98, %99;\n"
                 : SUMS_32(d, 0), SUMS_32(d, 32), SUMS_32(d, 64)
                 : "l"(a), "l"(b), "n"((int)A_TRANSPOSED), "n"((int)B_TRANSPOSED));
}

#endif  // __CUDACC__
