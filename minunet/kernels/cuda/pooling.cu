// Max and sum pooling and their gradients.
//
// One thread per result, 256 per block, no shared memory. Neighbouring threads have neighbouring channels, so a warp reads whole cache
// lines. In a gradient, the thread of a pixel adds up the windows that contain the pixel, so the sums have a fixed order without atomics.
// Launch code: pooling.py.
#include "dtypes.cuh"

constexpr int THREADS = 256;

struct Pool {
    int height, width, channels, out_height, out_width;
    int kernel_height, kernel_width, stride_height, stride_width, padding_height, padding_width;
};

struct Place {
    int channel, column, row;
    long long image;
};

__device__ __forceinline__ Place place_of(long long index, int channels, int width, int height) {
    Place p;
    p.channel = (int)(index % channels);
    index /= channels;
    p.column = (int)(index % width);
    index /= width;
    p.row = (int)(index % height);
    p.image = index / height;
    return p;
}

// The maximum of each window and its position in the window, row by row. The first of equal values wins, NaN wins over everything, and
// padding counts as minus infinity.
template <typename T, typename Index>
__global__ void __launch_bounds__(THREADS) max_pool(const T* x, T* y, Index* argmax, Pool s, long long count) {
    const long long i = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (i >= count) return;
    const Place p = place_of(i, s.channels, s.out_width, s.out_height);
    const int top = p.row * s.stride_height - s.padding_height, left = p.column * s.stride_width - s.padding_width;
    Wide<T> best = -(Wide<T>)INFINITY;
    int winner = max(-top, 0) * s.kernel_width + max(-left, 0);  // padding never wins
    for (int kh = 0; kh < s.kernel_height; kh++) {
        const int row = top + kh;
        if (row < 0 || row >= s.height) continue;
        for (int kw = 0; kw < s.kernel_width; kw++) {
            const int column = left + kw;
            if (column < 0 || column >= s.width) continue;
            const Wide<T> seen = widen(x[((p.image * s.height + row) * s.width + column) * s.channels + p.channel]);
            if (seen > best || (seen != seen && best == best)) {
                best = seen;
                winner = kh * s.kernel_width + kw;
            }
        }
    }
    y[i] = narrow<T>(best);
    argmax[i] = (Index)winner;
}

// The windows along one axis that contain pixel `at`: `first` to `last`.
__device__ __forceinline__ void windows(int at, int padding, int kernel, int stride, int out, int& first, int& last) {
    const int padded = at + padding;
    first = padded < kernel ? 0 : (padded - kernel) / stride + 1;
    last = min(padded / stride, out - 1);
}

template <typename T, typename Index>
__global__ void __launch_bounds__(THREADS) max_pool_gradient(const T* grad, const Index* argmax, T* out, Pool s, long long count) {
    const long long i = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (i >= count) return;
    const Place p = place_of(i, s.channels, s.width, s.height);
    int top, bottom, left, right;
    windows(p.row, s.padding_height, s.kernel_height, s.stride_height, s.out_height, top, bottom);
    windows(p.column, s.padding_width, s.kernel_width, s.stride_width, s.out_width, left, right);
    Wide<T> sum = 0;
    for (int row = top; row <= bottom; row++)
        for (int column = left; column <= right; column++) {
            const int kh = p.row + s.padding_height - row * s.stride_height;
            const int kw = p.column + s.padding_width - column * s.stride_width;
            const long long at = ((p.image * s.out_height + row) * s.out_width + column) * s.channels + p.channel;
            if ((int)argmax[at] == kh * s.kernel_width + kw) sum += widen(grad[at]);
        }
    out[i] = narrow<T>(sum);
}

template <typename T> __global__ void __launch_bounds__(THREADS) sum_pool(const T* x, T* y, Pool s, long long count) {
    const long long i = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (i >= count) return;
    const Place p = place_of(i, s.channels, s.out_width, s.out_height);
    const int top = p.row * s.stride_height - s.padding_height, left = p.column * s.stride_width - s.padding_width;
    Wide<T> sum = 0;
    for (int row = max(top, 0); row < min(top + s.kernel_height, s.height); row++)
        for (int column = max(left, 0); column < min(left + s.kernel_width, s.width); column++)
            sum += widen(x[((p.image * s.height + row) * s.width + column) * s.channels + p.channel]);
    y[i] = narrow<T>(sum);
}

template <typename T> __global__ void __launch_bounds__(THREADS) sum_pool_gradient(const T* grad, T* out, Pool s, long long count) {
    const long long i = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (i >= count) return;
    const Place p = place_of(i, s.channels, s.width, s.height);
    int top, bottom, left, right;
    windows(p.row, s.padding_height, s.kernel_height, s.stride_height, s.out_height, top, bottom);
    windows(p.column, s.padding_width, s.kernel_width, s.stride_width, s.out_width, left, right);
    Wide<T> sum = 0;
    for (int row = top; row <= bottom; row++)
        for (int column = left; column <= right; column++)
            sum += widen(grad[((p.image * s.out_height + row) * s.out_width + column) * s.channels + p.channel]);
    out[i] = narrow<T>(sum);
}

// For a training step: 2x2 max pooling. Adds the gradient of each window to `grad` at the position of the maximum; `grad` already has the
// gradient of the skip connection. One thread per window and chunk of 16 bytes of channels. With `rounded`, float sums are rounded to tf32.
template <typename T>
__global__ void __launch_bounds__(THREADS)
    add_unpooled(const T* pooled, const uint8_t* argmax, T* grad, int out_height, int out_width, int channels, long long count,
                 int rounded) {
    constexpr int VECTOR = 16 / (int)sizeof(T);
    union Chunk {
        uint4 whole;
        T elements[VECTOR];
        __device__ Chunk(const T* from) : whole(*reinterpret_cast<const uint4*>(from)) {}
    };
    const long long i = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (i >= count) return;
    const Place p = place_of(i, channels / VECTOR, out_width, out_height);
    const Chunk more(pooled + i * VECTOR);
    uint8_t winners[VECTOR];
#pragma unroll
    for (int e = 0; e < VECTOR; e++) winners[e] = argmax[i * VECTOR + e];
#pragma unroll
    for (int t = 0; t < 4; t++) {
        const long long row = (p.image * out_height + p.row) * 2 + t / 2, column = p.column * 2 + t % 2;
        T* to = grad + (row * out_width * 2 + column) * channels + p.channel * VECTOR;
        Chunk sum(to);
#pragma unroll
        for (int e = 0; e < VECTOR; e++)
            if (winners[e] == t) {
                const float both = widen(sum.elements[e]) + widen(more.elements[e]);
                sum.elements[e] = narrow<T>(rounded ? as_tf32(both) : both);
            }
        *reinterpret_cast<uint4*>(to) = sum.whole;
    }
}
