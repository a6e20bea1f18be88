// Copies that change the type or the width: float32 weights to bfloat16, channels filled with zeros to whole chunks or cut back.
#include "numbers.cuh"

constexpr int THREADS = 256;

// to (outer, rows_to, columns_to) = from (outer, rows_from, columns_from), cut off or continued with zeros along both inner axes.
template <typename From, typename To>
__global__ void __launch_bounds__(THREADS)
    fit(const From* from, To* to, int rows_from, int columns_from, int rows_to, int columns_to, long long count) {
    const long long i = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (i >= count) return;
    const int column = (int)(i % columns_to);
    const long long rest = i / columns_to;
    const int row = (int)(rest % rows_to);
    Wide<To> value = 0;
    if (row < rows_from && column < columns_from)
        value = (Wide<To>)widen(from[(rest / rows_to * rows_from + row) * columns_from + column]);
    to[i] = narrow<To>(value);
}
