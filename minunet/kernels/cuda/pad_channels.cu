// Copies that change the type, the width or the order: float32 weights to bfloat16 or tf32, channels filled with zeros to whole chunks
// or cut back.
#include "dtypes.cuh"

constexpr int THREADS = 256, SIDE = 32;

// to (outer, rows_to, columns_to) = from (outer, rows_from, columns_from), cut off or continued with zeros along both inner axes;
// floats `rounded` to tf32 where that is asked for.
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

// to (outer, rows, columns) = from, rounded to tf32; transposed (outer, columns, rows) = the same, transposed. A block takes 32 x 32.
__global__ void __launch_bounds__(THREADS) round_and_transpose(const float* from, float* to, float* transposed, int rows, int columns) {
    DYNAMIC_SHARED(memory);
    float* tile = reinterpret_cast<float*>(memory);  // (SIDE, SIDE + 1): a column, too, meets every bank once
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
