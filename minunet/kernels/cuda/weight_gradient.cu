// The weight gradient of a convolution: for each tap and pair of channels a sum over all output pixels, again as a matrix product. Rows are
// (tap, source channel), columns are output channels, and the sum is over pixels.
//
// A block of 256 threads computes 64 x 64 of them over `share` pixels, each thread 4 x 4. Shared memory holds both factors for 16 pixels at a
// time. The blocks along z write partial sums, which sums.cu adds in a fixed order: no atomics, the same bits in each run.
// ampere_weight_gradient.cu computes the same on tensor cores. Launch code: weight_gradient.py.
#include "dtypes.cuh"
#include "window.cuh"

constexpr int TILE = 64, DEPTH = 16, PITCH = TILE + 4, THREADS = 256;

// Block z sums the pixels z * share to (z + 1) * share - 1 into partial[z]. Where `mask`, of the shape of grad, is not positive, grad counts
// as 0.
template <typename T>
__global__ void __launch_bounds__(THREADS)
    weight_gradient(const T* source0, const T* source1, const T* grad, const T* mask, Wide<T>* partial, Window w, int share) {
    typedef Wide<T> A;
    DYNAMIC_SHARED(memory);
    A* source_tile = reinterpret_cast<A*>(memory);  // (DEPTH, PITCH): by pixel and by (tap, source channel)
    A* grad_tile = source_tile + DEPTH * PITCH;     // (DEPTH, PITCH): by pixel and by output channel
    const int thread = threadIdx.x, channels = source_channels(w), outs = out_channels(w), rows = taps(w) * channels;
    const int first_row = blockIdx.x * TILE, first_out = blockIdx.y * TILE;
    const int first_pixel = blockIdx.z * share, end = min(first_pixel + share, pixels(w));

    const int fetch = thread % TILE, fetch_pixel = thread / TILE;
    const int my_row = first_row + fetch, tap = my_row / channels, channel = my_row % channels, my_out = first_out + fetch;
    const bool second = channel >= w.source_channels0;
    const T* source = second ? source1 : source0;
    const int width = second ? w.source_channels1 : w.source_channels0;
    const int place = second ? channel - w.source_channels0 : channel;

    A sum[4][4] = {};
    const int row = thread / 16 * 4, column = thread % 16 * 4;
    for (int p0 = first_pixel; p0 < end; p0 += DEPTH) {
        for (int i = 0; i < 4; i++) {
            const int at = fetch_pixel + i * (THREADS / TILE), index = p0 + at;
            A value = 0, slope = 0;
            if (index < end) {
                const Pixel p = pixel_at(w, index);
                if (my_row < rows) {
                    const long long from = source_pixel(w, p, tap / w.columns.taps, tap % w.columns.taps);
                    if (from >= 0) value = widen(source[from * width + place]);
                }
                if (my_out < outs) {
                    const long long from = out_pixel(w, p) * outs + my_out;
                    if (!(mask && !(widen(mask[from]) > 0))) slope = widen(grad[from]);
                }
            }
            source_tile[at * PITCH + fetch] = value;
            grad_tile[at * PITCH + fetch] = slope;
        }
        __syncthreads();
        for (int k = 0; k < DEPTH; k++) {
            A a[4], b[4];
#pragma unroll
            for (int i = 0; i < 4; i++) a[i] = source_tile[k * PITCH + row + i];
#pragma unroll
            for (int j = 0; j < 4; j++) b[j] = grad_tile[k * PITCH + column + j];
#pragma unroll
            for (int i = 0; i < 4; i++)
#pragma unroll
                for (int j = 0; j < 4; j++) sum[i][j] += a[i] * b[j];
        }
        __syncthreads();
    }
    Wide<T>* mine = partial + (long long)blockIdx.z * rows * outs;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        const int r = first_row + row + i;
        if (r >= rows) continue;
        const int t = r / channels;
        const long long base =
            (long long)tap_offset(w, t / w.columns.taps, t % w.columns.taps) + (long long)(r % channels) * w.k_stride;
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const int n = first_out + column + j;
            if (n < outs) mine[base + (long long)n * w.n_stride] = sum[i][j];
        }
    }
}
