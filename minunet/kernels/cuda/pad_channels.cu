// Copies that change the element type, the number of channels or the order: float32 weights to bfloat16 or tf32, channels padded with zeros
// to whole chunks of 16 bytes, or cropped.
//
// copy_padded: one thread per result, no shared memory. round_and_transpose: a block of 256 threads per tile of 32 x 32, which goes
// through shared memory, so that both reads and writes are contiguous. Launch code: pad_channels.py.
#include "dtypes.cuh"

constexpr int THREADS = 256, SIDE = 32;

// to (outer, rows_to, columns_to) = from (outer, rows_from, columns_from), cropped or padded with zeros along the last two axes; with
// `round_to_tf32`, floats are rounded to tf32.
template <typename From, typename To>
__global__ void __launch_bounds__(THREADS)
    copy_padded(const From* from, To* to, int rows_from, int columns_from, int rows_to, int columns_to, long long count, int round_to_tf32) {
    const long long i = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (i >= count) return;
    const int column = (int)(i % columns_to);
    const long long rest = i / columns_to;
    const int row = (int)(rest % rows_to);
    Wide<To> value = 0;
    if (row < rows_from && column < columns_from)
        value = (Wide<To>)widen(from[(rest / rows_to * rows_from + row) * columns_from + column]);
    to[i] = narrow<To>(round_to_tf32 ? as_tf32(value) : value);
}

// to (outer, rows, columns) = from, rounded to tf32; transposed (outer, columns, rows) = the same, transposed.
__global__ void __launch_bounds__(THREADS) round_and_transpose(const float* from, float* to, float* transposed, int rows, int columns) {
    DYNAMIC_SHARED(memory);
    float* tile = reinterpret_cast<float*>(memory);  // (SIDE, SIDE + 1): the elements of a column are in different banks
    const long long matrix = (long long)blockIdx.z * rows * columns;
    const int across = threadIdx.x % SIDE, down = threadIdx.x / SIDE, first_row = blockIdx.y * SIDE, first_column = blockIdx.x * SIDE;
    for (int k = down; k < SIDE; k += THREADS / SIDE) {
        const int row = first_row + k, column = first_column + across;
        if (row >= rows || column >= columns) continue;
        const long long at = matrix + (long long)row * columns + column;
        to[at] = tile[k * (SIDE + 1) + across] = as_tf32(from[at]);
    }
    __syncthreads();
    for (int k = down; k < SIDE; k += THREADS / SIDE) {
        const int row = first_row + across, column = first_column + k;
        if (row < rows && column < columns) transposed[matrix + (long long)column * rows + row] = tile[across * (SIDE + 1) + k];
    }
}
