// Convolution on the tensor cores of sm_80 (Ampere) and newer: the implicit matrix product of convolution.cu, in bfloat16, or in float with
// factors rounded to tf32; sums are float. Numbers of channels are multiples of a 16-byte chunk. The epilogue is part of the kernel: bias,
// ReLU, the mask of a ReLU, two outputs, 2x2 max pooling (epilogue.cuh).
//
// A block computes BM pixels x BN channels, each warp WM x WN of them (tile.cuh). Shared memory has STAGES pairs of tiles: while one pair is
// multiplied, cp.async copies the next ones. At the end the results go through the same memory, so that they are written as whole chunks of
// neighbouring channels. Launch code: ampere_convolution.py.
#include "epilogue.cuh"
#include "tile.cuh"
#include "window.cuh"

// With pooling, the output pixels are numbered by 2x2 windows, so that four neighbouring rows of the tile are one window.
__device__ __forceinline__ Pixel pixel_in_quads(const Window& w, int index) {
    if (index >= pixels(w)) return {-1, 0, 0};
    const int place = index % 4, quads = w.columns.count / 2, quad = index / 4, rest = quad / quads;
    return {rest / (w.rows.count / 2), rest % (w.rows.count / 2) * 2 + place / 2, quad % quads * 2 + place % 2};
}

constexpr int MAX_OUT_BYTES = 512;  // of the results of a pixel in shared memory

// RIGHT is the layout of the weights: DEEP if the summed channel is contiguous (gradients), WIDE if the output channel is (forward pass; the
// window then has all taps of the kernel or a single one). ROUND: the sources are floats that must be rounded to tf32; float weights are
// always rounded.
template <typename T, int BM, int BN, int WM, int WN, int STAGES, Layout RIGHT, bool ROUND>
__global__ void __launch_bounds__((BM / WM) * (BN / WN) * 32)
    ampere_convolve(const T* source0, const T* source1, const T* weight, const __grid_constant__ Window w,
                    const __grid_constant__ Epilogue<T> out) {
    constexpr int THREADS = (BM / WM) * (BN / WN) * 32, LEFT_BYTES = BM * ROW_BYTES, STAGE_BYTES = (BM + BN) * ROW_BYTES;
    constexpr int LEFT_CHUNKS = BM * CHUNKS / THREADS, RIGHT_CHUNKS = BN * CHUNKS / THREADS, ROWS_APART = THREADS / CHUNKS;
    constexpr int BYTES_APART = ROWS_APART * ROW_BYTES;
    static_assert(ROWS_APART % 8 == 0, "the chunks that a thread fetches are swizzled alike");
    DYNAMIC_SHARED(memory);
    const int thread = threadIdx.x, lane = thread % 32, warp = thread / 32;
    const int warp_row = warp % (BM / WM) * WM, warp_column = warp / (BM / WM) * WN;
    const int first_pixel = blockIdx.x * BM, first_out = blockIdx.y * BN;
    const int channels = source_channels(w), outs = out_channels(w), depth = taps(w) * channels;
    auto pixel_of = [&](int index) { return out.pooled ? pixel_in_quads(w, index) : pixel_at(w, index); };

    // This thread always copies chunk thread % 8 of the tile's depth, for several pixels. The chunk begins at `channel` of tap
    // (tap_row, tap_column); each fetch moves these on by the depth of one tile.
    const int column = thread % CHUNKS, row = thread / CHUNKS;
    int tap_row = 0, tap_column = 0, channel = column * VECTOR<T>, fetched = 0;
    auto wrap = [&] {
        while (channel >= channels && tap_row < w.rows.taps) {
            channel -= channels;
            if (++tap_column == w.columns.taps) tap_column = 0, tap_row++;
        }
    };
    wrap();
    int corner[LEFT_CHUNKS], index[LEFT_CHUNKS];  // the source pixel of the first tap: row and column, and index
#pragma unroll
    for (int i = 0; i < LEFT_CHUNKS; i++) {
        const Pixel p = pixel_of(first_pixel + row + i * ROWS_APART);
        // A pixel after the last one is outside of every source.
        const int y = w.rows.source_first + p.row * w.rows.source_step;
        const int x = w.columns.source_first + p.column * w.columns.source_step;
        corner[i] = p.image < 0 ? in_one_word(OUTSIDE, 0) : in_one_word(y, x);
        index[i] = (p.image * w.rows.source_size + y) * w.columns.source_size + x;
    }
    // Wide weights: the first output channel of this thread's first chunk, and the offset of its first row.
    const int my_out = first_out + column * VECTOR<T>;
    int weight_at = tap_offset(w, 0, 0) + row * w.k_stride + my_out;
    auto fetch = [&](int stage) {
        unsigned char* left = memory + stage * STAGE_BYTES;
        unsigned char* right = left + LEFT_BYTES;
        const bool within = tap_row < w.rows.taps, second = channel >= w.source_channels0;
        const T* source = second ? source1 + (channel - w.source_channels0) : source0 + channel;
        const int pitch = (second ? w.source_channels1 : w.source_channels0) * (int)sizeof(T);
        const int down = tap_row * w.rows.source_tap_step, along = tap_column * w.columns.source_tap_step;
        const int moved = down * w.columns.source_size + along;
        unsigned char* to = left + chunk_offset<T, DEEP>(row, column);
#pragma unroll
        for (int i = 0; i < LEFT_CHUNKS; i++) {
            const unsigned y = upper(corner[i]) + down, x = lower(corner[i]) + along;
            const bool inside = within && y < (unsigned)w.rows.source_size && x < (unsigned)w.columns.source_size;
            // Outside of the image the address is invalid, but it is not used.
            copy_async_16(to + i * BYTES_APART, element(source, index[i] + moved, pitch), inside);
        }
        if constexpr (RIGHT == DEEP) {
            const T* from_tap = weight + tap_offset(w, tap_row, tap_column) + channel;
            to = right + chunk_offset<T, DEEP>(row, column);
#pragma unroll
            for (int i = 0; i < RIGHT_CHUNKS; i++) {
                const int n = first_out + row + i * ROWS_APART;
                const void* from = element(from_tap, n, w.n_stride * (int)sizeof(T));
                copy_async_16(to + i * BYTES_APART, from, within && n < outs);
            }
        } else {
            const T* from_row = weight + weight_at;
            to = right + wide_offset<T>(row, column);
#pragma unroll
            for (int j = 0; j < DEPTH<T> / ROWS_APART; j++) {
                const bool summed = fetched + row + j * ROWS_APART < depth;
                const T* from = static_cast<const T*>(element(from_row, j * ROWS_APART, w.k_stride * (int)sizeof(T)));
#pragma unroll
                for (int i = 0; i < BN / CHUNKS / VECTOR<T>; i++) {
                    const int n = i * CHUNKS * VECTOR<T>;
                    copy_async_16(to + j * BYTES_APART + i * PANEL_BYTES<T>, from + n, summed && my_out + n < outs);
                }
            }
            weight_at += DEPTH<T> * w.k_stride;
        }
        fetched += DEPTH<T>;
        channel += DEPTH<T>;
        wrap();
    };

    WarpSum<T, WM, WN, DEEP, RIGHT, ROUND, sizeof(T) == 4> result;
    result.clear();
    const int rounds = (depth + DEPTH<T> - 1) / DEPTH<T>;
    int filled = STAGES - 1, used = 0;  // the stages that are filled next and multiplied next
    for (int stage = 0; stage < STAGES - 1; stage++) {
        if (stage < rounds) fetch(stage);
        copy_async_commit();
    }
    for (int left_over = rounds; left_over > 0; left_over--) {
        copy_async_wait<STAGES - 2>();  // the tiles of this round have arrived, the barrier makes them visible to every warp,
        __syncthreads();                // and no warp reads the stage any more that is filled next
        if (fetched < depth) fetch(filled);
        copy_async_commit();
        const unsigned char* left = memory + used * STAGE_BYTES;
        result.add(left, left + LEFT_BYTES, warp_row, warp_column, lane, [] {});
        filled = filled + 1 == STAGES ? 0 : filled + 1;
        used = used + 1 == STAGES ? 0 : used + 1;
    }
    copy_async_wait<0>();
    __syncthreads();

    // Results go through shared memory, so that whole chunks of neighbouring channels are written; the widest tile of floats in two halves.
    constexpr int OUT_BYTES = BN * (int)sizeof(T) < MAX_OUT_BYTES ? BN * (int)sizeof(T) : MAX_OUT_BYTES;
    constexpr int PITCH = OUT_BYTES + CHUNK_BYTES, OUT_CHUNKS = OUT_BYTES / CHUNK_BYTES, OUTS = OUT_BYTES / (int)sizeof(T);
    for (int begin = 0; begin < BN; begin += OUTS) {
        if (begin > 0) __syncthreads();
        if (warp_column / OUTS * OUTS == begin)
            result.visit(warp_row, warp_column - begin, lane, [&](int r, int c, float value, float next) {
                const int n = first_out + begin + c;
                if (out.bias && n < outs) value += out.bias[n], next += out.bias[n + 1];
                if (out.relu) value = value < 0 ? 0 : value, next = next < 0 ? 0 : next;
                if constexpr (sizeof(T) == 2)
                    *reinterpret_cast<uint32_t*>(memory + r * PITCH + c * 2) = pack_bf16(value, next);
                else {
                    if (out.round_to_tf32) value = as_tf32(value), next = as_tf32(next);
                    *reinterpret_cast<float2*>(memory + r * PITCH + c * 4) = make_float2(value, next);
                }
            });
        __syncthreads();
        constexpr int TOGETHER = 4;  // rows that a thread handles together: one pooling window
        for (int v = thread; v < BM / TOGETHER * OUT_CHUNKS; v += THREADS) {
            const int r = v / OUT_CHUNKS * TOGETHER, c = v % OUT_CHUNKS, n = first_out + begin + c * VECTOR<T>;
            if (n >= outs) continue;
            const bool second = n >= w.out_channels0;
            const int width = second ? w.out_channels1 : w.out_channels0, at_n = second ? n - w.out_channels0 : n;
            T* to = second ? out.out1 : out.out0;
            const T* mask = second ? out.mask1 : out.mask0;
            Largest<T> largest;
#pragma unroll
            for (int t = 0; t < TOGETHER; t++) {
                const Pixel p = pixel_of(first_pixel + r + t);
                if (p.image < 0) break;
                const long long at = out_pixel(w, p) * width + at_n;
                Chunk<T> chunk = load_chunk<T>(memory + (r + t) * PITCH + c * CHUNK_BYTES);
                if (mask) keep_positive(chunk, load_chunk<T>(mask + at));
                if (to) store_chunk(to + at, chunk);
                if (out.pooled) largest.see(chunk, t);
            }
            const Pixel p = pixel_of(first_pixel + r);
            if (!out.pooled || p.image < 0) continue;
            const long long window = ((long long)p.image * (w.rows.count / 2) + p.row / 2) * (w.columns.count / 2) + p.column / 2;
            largest.leave(out, window * outs + n);
        }
    }
}
