// The weight gradient of a convolution on the tensor cores of sm_80 (Ampere) and newer: the matrix product of weight_gradient.cu, in bfloat16,
// or in float with factors rounded to tf32; sums are float. Rows are (tap, source channel), columns are output channels, and the sum is over
// pixels. Numbers of channels are multiples of a 16-byte chunk.
//
// A block computes BM rows x BN columns over `share` pixels, each warp WM x WN of them (tile.cuh). Shared memory has STAGES pairs of tiles,
// which cp.async fills. The blocks along z write partial sums, which sum_splits adds in a fixed order. Launch code:
// ampere_weight_gradient.py.
#include "tile.cuh"
#include "window.cuh"

// n / divisor for 0 <= n < 2^31 by one multiplication (Granlund and Montgomery 1994); the launch code computes the two constants.
struct Divider {
    unsigned multiplier, shift;
    __device__ __forceinline__ int divide(int n) const { return (int)(__umulhi((unsigned)n * 2, multiplier) >> shift); }
};

// ROUND: sources and gradient are floats that must be rounded to tf32. The output pixels of the window are in order, so pixel p of the sum is
// pixel p of `grad`.
template <typename T, int BM, int BN, int WM, int WN, int STAGES, bool ROUND>
__global__ void __launch_bounds__((BM / WM) * (BN / WN) * 32)
    ampere_weight_gradient(const T* source0, const T* source1, const T* grad, float* partial, const __grid_constant__ Window w,
                           Divider by_width, Divider by_height, int share) {
    constexpr int THREADS = (BM / WM) * (BN / WN) * 32, LEFT_BYTES = BM * ROW_BYTES, STAGE_BYTES = (BM + BN) * ROW_BYTES;
    constexpr int ROWS_APART = THREADS / CHUNKS, LEFT_PANELS = BM / CHUNKS / VECTOR<T>, RIGHT_PANELS = BN / CHUNKS / VECTOR<T>;
    constexpr int PIXELS = DEPTH<T> / ROWS_APART;  // rows of a panel that a thread copies
    static_assert(PIXELS * ROWS_APART == DEPTH<T> && ROWS_APART % 8 == 0, "the threads of a block cover whole panels and swizzles");
    // A block of eight warps has a multiprocessor to itself and copies while it multiplies. Smaller blocks copy while other blocks multiply,
    // which needs fewer registers.
    constexpr bool ALONE = THREADS == 256;
    DYNAMIC_SHARED(memory);
    const int thread = threadIdx.x, lane = thread % 32, warp = thread / 32;
    const int warp_row = warp % (BM / WM) * WM, warp_column = warp / (BM / WM) * WN;
    const int channels = source_channels(w), outs = out_channels(w), rows = taps(w) * channels;
    const int first_row = blockIdx.x * BM, first_out = blockIdx.y * BN;
    const int first_pixel = blockIdx.z * share, end = min(first_pixel + share, pixels(w));

    // This thread copies one column of chunks in each panel: always the same tap and channels, for one pixel after the other.
    const int column = thread % CHUNKS, row = thread / CHUNKS, place = wide_offset<T>(row, column);
    const T* source[LEFT_PANELS];
    int pitch[LEFT_PANELS], corner[LEFT_PANELS];  // row and column that the first pixel of an image meets at this tap
#pragma unroll
    for (int i = 0; i < LEFT_PANELS; i++) {
        const int m = first_row + (i * CHUNKS + column) * VECTOR<T>, tap = m / channels, channel = m % channels;
        const bool second = channel >= w.source_channels0;
        source[i] = second ? source1 + (channel - w.source_channels0) : source0 + channel;
        pitch[i] = (second ? w.source_channels1 : w.source_channels0) * (int)sizeof(T);
        // A row after the last one is outside of every source.
        corner[i] = m < rows ? in_one_word(w.rows.source_first + tap / w.columns.taps * w.rows.source_tap_step,
                                           w.columns.source_first + tap % w.columns.taps * w.columns.source_tap_step)
                             : in_one_word(OUTSIDE, 0);
    }
    const T* mine_of_grad = grad + first_out + column * VECTOR<T>;
    int pixel = first_pixel + row;
    auto fetch = [&](int stage) {
        unsigned char* left = memory + stage * STAGE_BYTES;
        unsigned char* right = left + LEFT_BYTES;
#pragma unroll
        for (int j = 0; j < PIXELS; j++) {
            const int p = pixel + j * ROWS_APART, at = place + j * ROWS_APART * ROW_BYTES;
            const int line = by_width.divide(p), x0 = (p - line * w.columns.count) * w.columns.source_step;
            const int image = by_height.divide(line), y0 = (line - image * w.rows.count) * w.rows.source_step;
            const int first_line = image * w.rows.source_size;
#pragma unroll
            for (int i = 0; i < LEFT_PANELS; i++) {
                const int y = y0 + upper(corner[i]), x = x0 + lower(corner[i]);
                const bool inside =
                    p < end && (unsigned)y < (unsigned)w.rows.source_size && (unsigned)x < (unsigned)w.columns.source_size;
                // Outside of the image the address is invalid, but it is not used.
                const void* from = element(source[i], (first_line + y) * w.columns.source_size + x, pitch[i]);
                copy_async_16(left + at + i * PANEL_BYTES<T>, from, inside);
            }
            const unsigned char* from = static_cast<const unsigned char*>(element(mine_of_grad, p, outs * (int)sizeof(T)));
#pragma unroll
            for (int i = 0; i < RIGHT_PANELS; i++) {
                const bool within = p < end && first_out + (i * CHUNKS + column) * VECTOR<T> < outs;
                copy_async_16(right + at + i * PANEL_BYTES<T>, from + i * ROW_BYTES, within);
            }
        }
        pixel += DEPTH<T>;
    };

    WarpSum<T, WM, WN, WIDE, WIDE, ROUND, ROUND> result;
    result.clear();
    int filled = STAGES - 1, used = 0;  // the stages that are filled next and multiplied next
    const int rounds = (end - first_pixel + DEPTH<T> - 1) / DEPTH<T>;
    for (int stage = 0; stage < STAGES - 1; stage++) {
        if (stage < rounds) fetch(stage);
        copy_async_commit();
    }
    for (int round = 0; round < rounds; round++) {
        copy_async_wait<STAGES - 2>();
        __syncthreads();
        if constexpr (!ALONE) {
            if (round + STAGES - 1 < rounds) fetch(filled);
            copy_async_commit();
        }
        const unsigned char* left = memory + used * STAGE_BYTES;
        result.add(left, left + LEFT_BYTES, warp_row, warp_column, lane, [&] {
            if constexpr (ALONE) {
                fetch(filled);  // after the last pixel: zeros, to a stage that is not read
                copy_async_commit();
            }
        });
        filled = filled + 1 == STAGES ? 0 : filled + 1;
        used = used + 1 == STAGES ? 0 : used + 1;
    }
    copy_async_wait<0>();

    float* mine = partial + (long long)blockIdx.z * rows * outs;
    result.visit(warp_row, warp_column, lane, [&](int r, int c, float value, float next) {
        const int m = first_row + r, n = first_out + c;
        if (m >= rows || n >= outs) return;
        const int tap = m / channels;
        float* to = mine + (long long)tap_offset(w, tap / w.columns.taps, tap % w.columns.taps) +
                    (long long)(m % channels) * w.k_stride + (long long)n * w.n_stride;
        if (w.n_stride == 1)
            *reinterpret_cast<float2*>(to) = make_float2(value, next);
        else
            to[0] = value, to[w.n_stride] = next;
    });
}
