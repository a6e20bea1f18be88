// A window: which source pixels and which taps of the kernel each output pixel of a convolution meets, by one affine rule per axis.
// A convolution, its input gradient and a transposed convolution differ only in these numbers, which the launch code computes (window.py).
#pragma once

// Output pixel u of this axis (u from 0 to count - 1) is at out_first + u * out_step. Its tap t (t from 0 to taps - 1)
// is tap_first + t * tap_step of the kernel, and meets the source pixel source_first + u * source_step + t * source_tap_step.
struct Axis {
    int count, out_first, out_step;
    int taps, tap_first, tap_step;
    int source_first, source_step, source_tap_step;
    int out_size, source_size, kernel_size;
};

// There may be two source arrays, read as if joined along the channels, and two output arrays.
// Element (tap, k, n) of the weights is at tap * tap_stride + k * k_stride + n * n_stride: k counts the source's channels, n the
// output's.
struct Window {
    Axis rows, columns;
    int images;
    int source_channels0, source_channels1;
    int out_channels0, out_channels1;
    int tap_stride, k_stride, n_stride;
};

__device__ __forceinline__ int source_channels(const Window& w) { return w.source_channels0 + w.source_channels1; }
__device__ __forceinline__ int out_channels(const Window& w) { return w.out_channels0 + w.out_channels1; }
__device__ __forceinline__ int pixels(const Window& w) { return w.images * w.rows.count * w.columns.count; }
__device__ __forceinline__ int taps(const Window& w) { return w.rows.taps * w.columns.taps; }

struct Pixel {
    int image, row, column;  // image is -1 beyond the last pixel
};

__device__ __forceinline__ Pixel pixel_at(const Window& w, int index) {
    if (index >= pixels(w)) return {-1, 0, 0};
    const int column = index % w.columns.count, rest = index / w.columns.count;
    return {rest / w.rows.count, rest % w.rows.count, column};
}

// The index of a source pixel, in pixels from the start of the array; -1 in the padding.
__device__ __forceinline__ long long source_pixel(const Window& w, const Pixel& p, int tap_row, int tap_column) {
    const int row = w.rows.source_first + p.row * w.rows.source_step + tap_row * w.rows.source_tap_step;
    const int column = w.columns.source_first + p.column * w.columns.source_step + tap_column * w.columns.source_tap_step;
    const bool inside = p.image >= 0 && row >= 0 && row < w.rows.source_size && column >= 0 && column < w.columns.source_size;
    return inside ? ((long long)p.image * w.rows.source_size + row) * w.columns.source_size + column : -1;
}

__device__ __forceinline__ long long out_pixel(const Window& w, const Pixel& p) {
    const int row = w.rows.out_first + p.row * w.rows.out_step;
    const int column = w.columns.out_first + p.column * w.columns.out_step;
    return ((long long)p.image * w.rows.out_size + row) * w.columns.out_size + column;
}

// The offset of the weights of a tap.
__device__ __forceinline__ int tap_offset(const Window& w, int tap_row, int tap_column) {
    const int row = w.rows.tap_first + tap_row * w.rows.tap_step;
    const int column = w.columns.tap_first + tap_column * w.columns.tap_step;
    return (row * w.columns.kernel_size + column) * w.tap_stride;
}

// A row and a column packed in one register, 16 bits each, because the tensor-core kernels need all registers. This limits the sides of an
// image to 8191 pixels.
constexpr int OUTSIDE = -16384;  // a row outside of the image for every tap
__device__ __forceinline__ int in_one_word(int row, int column) { return row * 65536 + (column & 0xffff); }
__device__ __forceinline__ int upper(int word) { return word >> 16; }
__device__ __forceinline__ int lower(int word) { return (short)word; }
