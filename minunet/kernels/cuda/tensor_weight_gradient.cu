// A convolution's weight gradient on tensor cores (sm_80 and newer), in bfloat16, or in float by way of tf32, with float sums.
// Rows of the product are (tap, source channel), columns are the gradient's channels, and the sum runs over pixels, a share of them
// per block; the partial sums are added in a fixed order by sum_splits. Channel counts are multiples of a 16-byte chunk.
#include "tile.cuh"
#include "window.cuh"

// n / divisor for 0 <= n < 2^31 by one multiplication (Granlund and Montgomery 1994); the launch code computes the constants.
struct Divider {
    unsigned divisor, multiplier, shift;
    __device__ __forceinline__ int divide(int n) const {
        return divisor == 1 ? n : (int)(__umulhi((unsigned)n, multiplier) >> shift);
    }
};

// Output pixels of the window lie in order, so that pixel p of the sum is pixel p of `grad`.
template <typename T, int BM, int BN, int WM, int WN, int STAGES, int BLOCKS>
__global__ void __launch_bounds__((BM / WM) * (BN / WN) * 32, (BLOCKS_THAT_FIT<BLOCKS, STAGES * (BM + BN) * ROW_BYTES>))
    tensor_weight_gradient(const T* source0, const T* source1, const T* grad, float* partial, const __grid_constant__ Window w,
                           Divider by_width, Divider by_height, int share) {
    constexpr int THREADS = (BM / WM) * (BN / WN) * 32, LEFT_BYTES = BM * ROW_BYTES, STAGE_BYTES = (BM + BN) * ROW_BYTES;
    constexpr int ROWS_APART = THREADS / CHUNKS, LEFT_PANELS = BM / CHUNKS / VECTOR<T>, RIGHT_PANELS = BN / CHUNKS / VECTOR<T>;
    constexpr int PIXELS = DEPTH<T> / ROWS_APART;  // rows of a panel that a thread fetches
    static_assert(PIXELS * ROWS_APART == DEPTH<T>, "the threads of a block cover whole panels");
    DYNAMIC_SHARED(memory);
    const int thread = threadIdx.x, lane = thread % 32, warp = thread / 32;
    const int warp_row = warp % (BM / WM) * WM, warp_column = warp / (BM / WM) * WN;
    const int channels = source_channels(w), outs = out_channels(w), rows = taps(w) * channels;
    const int first_row = blockIdx.x * BM, first_out = blockIdx.y * BN;
    const int first_pixel = blockIdx.z * share, end = min(first_pixel + share, pixels(w));

    // This thread fetches one column of chunks in each panel: always the same tap and channels, for one pixel after the other.
    const int column = thread % CHUNKS, row = thread / CHUNKS;
    const T* source[LEFT_PANELS];
    int width[LEFT_PANELS], corner[LEFT_PANELS];  // row and column that the first pixel of an image meets
#pragma unroll
    for (int i = 0; i < LEFT_PANELS; i++) {
        const int m = first_row + (i * CHUNKS + column) * VECTOR<T>, tap = m / channels, channel = m % channels;
        const bool second = channel >= w.source_channels0;
        source[i] = second ? source1 + (channel - w.source_channels0) : source0 + channel;
        width[i] = second ? w.source_channels1 : w.source_channels0;
        // A row beyond the last lies outside of every source.
        corner[i] = m < rows ? in_one_word(w.rows.source_first + tap / w.columns.taps * w.rows.source_tap_step,
                                           w.columns.source_first + tap % w.columns.taps * w.columns.source_tap_step)
                             : in_one_word(OUTSIDE, 0);
    }
    int pixel = first_pixel + row;
    auto fetch = [&](int stage) {
        unsigned char* left = memory + stage * STAGE_BYTES;
        unsigned char* right = left + LEFT_BYTES;
#pragma unroll
        for (int j = 0; j < PIXELS; j++) {
            const int at = row + j * ROWS_APART, p = pixel + j * ROWS_APART;
            const int line = by_width.divide(p), x0 = (p - line * w.columns.count) * w.columns.source_step;
            const int image = by_height.divide(line), y0 = (line - image * w.rows.count) * w.rows.source_step;
            const int base = image * w.rows.source_size * w.columns.source_size;
#pragma unroll
            for (int i = 0; i < LEFT_PANELS; i++) {
                const int y = y0 + upper(corner[i]), x = x0 + lower(corner[i]);
                const bool inside =
                    p < end && (unsigned)y < (unsigned)w.rows.source_size && (unsigned)x < (unsigned)w.columns.source_size;
                // Beyond the image the address means nothing, but is not used either.
                const T* from = source[i] + (long long)(base + y * w.columns.source_size + x) * width[i];
                copy_async_16(left + wide_offset<T>(at, i * CHUNKS + column), from, inside);
            }
#pragma unroll
            for (int i = 0; i < RIGHT_PANELS; i++) {
                const int chunk = i * CHUNKS + column, n = first_out + chunk * VECTOR<T>;
                copy_async_16(right + wide_offset<T>(at, chunk), grad + (long long)p * outs + n, p < end && n < outs);
            }
        }
        pixel += DEPTH<T>;
    };

    WarpSum<T, WM, WN> result;
    result.clear();
    int filled = STAGES - 1, used = 0;  // the stages that are filled and multiplied next
    const int rounds = (end - first_pixel + DEPTH<T> - 1) / DEPTH<T>;
    for (int stage = 0; stage < STAGES - 1; stage++) {
        if (stage < rounds) fetch(stage);
        copy_async_commit();
    }
    for (int round = 0; round < rounds; round++) {
        copy_async_wait<STAGES - 2>();
        __syncthreads();
        if (round + STAGES - 1 < rounds) fetch(filled);
        copy_async_commit();
        const unsigned char* left = memory + used * STAGE_BYTES;
        result.template add<WIDE, WIDE>(left, left + LEFT_BYTES, warp_row, warp_column, lane);
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
        to[0] = value;
        to[w.n_stride] = next;
    });
}
