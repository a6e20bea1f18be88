// Convolution as an implicit matrix product (implicit GEMM), for any kernel size, stride, padding and element type.
// Rows of the product are output pixels, columns are output channels, and the sum is over taps and source channels. With other numbers in
// the window it is also the input gradient and the transposed convolution. Every sum has one fixed order.
//
// A block of 256 threads computes 64 pixels x 64 channels, each thread 4 x 4 of them. Shared memory holds 16 terms of the sum for the 64
// pixels and for the 64 channels at a time. This is the simple version: ampere_convolution.cu computes the same on tensor cores.
// Launch code: convolution.py.
#include "dtypes.cuh"
#include "window.cuh"

constexpr int TILE = 64, DEPTH = 16, PITCH = TILE + 4, THREADS = 256;

// Where `mask`, of the shape of source0, is not positive, the source counts as 0 (the gradient of a fused ReLU). There is then no source1.
template <typename T>
__global__ void __launch_bounds__(THREADS)
    convolve(const T* source0, const T* source1, const T* mask, const Wide<T>* weight, const Wide<T>* bias, T* out0, T* out1,
             Window w, int relu) {
    typedef Wide<T> A;
    DYNAMIC_SHARED(memory);
    A* pixels_tile = reinterpret_cast<A*>(memory);   // (DEPTH, PITCH): source values, by k and by output pixel
    A* weight_tile = pixels_tile + DEPTH * PITCH;    // (DEPTH, PITCH): weights, by k and by output channel
    const int thread = threadIdx.x, channels = source_channels(w), outs = out_channels(w), depth = taps(w) * channels;
    const int first_pixel = blockIdx.x * TILE, first_out = blockIdx.y * TILE;

    // This thread loads k = thread % DEPTH of four pixels: neighbouring threads load neighbouring channels.
    const int fetch_k = thread % DEPTH, fetch_pixel = thread / DEPTH;
    Pixel pixel[4];
    for (int i = 0; i < 4; i++) pixel[i] = pixel_at(w, first_pixel + fetch_pixel + i * (THREADS / DEPTH));
    // Weights are loaded along the contiguous one of their two axes.
    const bool along_k = w.k_stride == 1;
    const int weight_k = along_k ? thread % DEPTH : thread / TILE, weight_n = along_k ? thread / DEPTH : thread % TILE;
    const int step_k = along_k ? 0 : THREADS / TILE, step_n = along_k ? THREADS / DEPTH : 0;

    A sum[4][4] = {};
    const int row = thread / 16 * 4, column = thread % 16 * 4;
    for (int k0 = 0; k0 < depth; k0 += DEPTH) {
        {
            const int k = k0 + fetch_k, tap = k / channels, channel = k % channels;
            const bool second = channel >= w.source_channels0;
            const T* source = second ? source1 : source0;
            const int width = second ? w.source_channels1 : w.source_channels0;
            const int place = second ? channel - w.source_channels0 : channel;
            for (int i = 0; i < 4; i++) {
                const long long at =
                    k < depth ? source_pixel(w, pixel[i], tap / w.columns.taps, tap % w.columns.taps) : -1;
                A value = 0;
                if (at >= 0 && !(mask && !(widen(mask[at * width + place]) > 0))) value = widen(source[at * width + place]);
                pixels_tile[fetch_k * PITCH + fetch_pixel + i * (THREADS / DEPTH)] = value;
            }
        }
        for (int i = 0; i < 4; i++) {
            const int at_k = weight_k + i * step_k, at_n = weight_n + i * step_n, k = k0 + at_k, n = first_out + at_n;
            A value = 0;
            if (k < depth && n < outs) {
                const int tap = k / channels, channel = k % channels;
                value = weight[(long long)tap_offset(w, tap / w.columns.taps, tap % w.columns.taps) +
                               (long long)channel * w.k_stride + (long long)n * w.n_stride];
            }
            weight_tile[at_k * PITCH + at_n] = value;
        }
        __syncthreads();
        for (int k = 0; k < DEPTH; k++) {
            A a[4], b[4];
#pragma unroll
            for (int i = 0; i < 4; i++) a[i] = pixels_tile[k * PITCH + row + i];
#pragma unroll
            for (int j = 0; j < 4; j++) b[j] = weight_tile[k * PITCH + column + j];
#pragma unroll
            for (int i = 0; i < 4; i++)
#pragma unroll
                for (int j = 0; j < 4; j++) sum[i][j] += a[i] * b[j];
        }
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        const Pixel p = pixel_at(w, first_pixel + row + i);
        if (p.image < 0) continue;
        const long long at = out_pixel(w, p);
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const int n = first_out + column + j;
            if (n >= outs) continue;
            A value = bias ? sum[i][j] + bias[n] : sum[i][j];
            if (relu && value < 0) value = 0;
            if (n < w.out_channels0) {
                if (out0) out0[at * w.out_channels0 + n] = narrow<T>(value);
            } else if (out1) {
                out1[at * w.out_channels1 + n - w.out_channels0] = narrow<T>(value);
            }
        }
    }
}
