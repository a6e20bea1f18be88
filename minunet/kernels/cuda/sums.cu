// Sums in a fixed order: over the pixels of a gradient, and over the partial sums (splits) that several blocks wrote.
//
// column_sums: grid (groups of columns, splits), 256 threads; shared memory holds one sum per thread and column. sum_splits: one thread per
// sum, no shared memory. Launch code: sums.py.
#include "dtypes.cuh"

constexpr int THREADS = 256;

// partial[y][n] = sum of grad[row][n] over the rows of split y (`share` rows): the bias gradient. Where `mask` is not positive, grad counts
// as 0. A thread adds up VECTOR neighbouring columns, 16 bytes if these divide the columns, else one column. A block has 8 threads side
// by side and 32 rows of threads.
template <typename T, int VECTOR>
__global__ void __launch_bounds__(THREADS)
    column_sums(const T* grad, const T* mask, Wide<T>* partial, int rows, int columns, int share) {
    typedef Wide<T> A;
    struct alignas(VECTOR * sizeof(T)) Chunk {
        T elements[VECTOR];
    };
    constexpr int ACROSS = 8, GROUPS = THREADS / ACROSS;
    DYNAMIC_SHARED(memory);
    A* sums = reinterpret_cast<A*>(memory);  // (GROUPS, ACROSS * VECTOR)
    const int across = threadIdx.x % ACROSS, group = threadIdx.x / ACROSS;
    const int column = (blockIdx.x * ACROSS + across) * VECTOR;
    const int first = blockIdx.y * share, end = min(first + share, rows);
    A sum[VECTOR] = {};
    if (column < columns)
#pragma unroll 4
        for (int row = first + group; row < end; row += GROUPS) {
            const long long at = (long long)row * columns + column;
            const Chunk seen = *reinterpret_cast<const Chunk*>(grad + at);
            const Chunk shown = mask ? *reinterpret_cast<const Chunk*>(mask + at) : seen;
#pragma unroll
            for (int e = 0; e < VECTOR; e++)
                if (!mask || widen(shown.elements[e]) > 0) sum[e] += widen(seen.elements[e]);
        }
#pragma unroll
    for (int e = 0; e < VECTOR; e++) sums[(group * ACROSS + across) * VECTOR + e] = sum[e];
    __syncthreads();
    for (int i = threadIdx.x; i < ACROSS * VECTOR; i += THREADS) {
        const int n = blockIdx.x * ACROSS * VECTOR + i;
        if (n >= columns) break;
        A total = 0;
        for (int g = 0; g < GROUPS; g++) total += sums[g * ACROSS * VECTOR + i];
        partial[(long long)blockIdx.y * columns + n] = total;
    }
}

// out[i] = partial[0][i] + partial[1][i] + ..., in that order.
template <typename A>
__global__ void __launch_bounds__(THREADS) sum_splits(const A* partial, A* out, int count, int splits) {
    const int i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= count) return;
    A sum = 0;
    for (int split = 0; split < splits; split++) sum += partial[(long long)split * count + i];
    out[i] = sum;
}
