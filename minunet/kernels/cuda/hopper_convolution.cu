// A 3x3 convolution with padding 1, or its input gradient, on the tensor cores of sm_90a (Hopper), in bfloat16, or in float that is already
// rounded to tf32; with the epilogue of epilogue.cuh.
//
// The matrix product is transposed compared with ampere_convolution.cu: its 64 rows are output channels, and its 256 columns are a patch of
// 16x16 pixels. So even a layer with only 64 channels keeps the tensor cores busy. The patch is copied with a border, 18 pixels high: moved by
// one line (16 pixels) in shared memory, it serves the three vertical taps. For the horizontal taps it is copied three times, a pixel apart.
//
// A block has one thread that starts bulk copies and two warpgroups that multiply (ring.cuh). There is one block per multiprocessor; it
// computes several tiles, and copies for the next tile while the results of the last one are written. Shared memory: two stages, each with
// pixels and weights; the results; the barriers. Launch code: hopper_convolution.py.
#include "epilogue.cuh"
#include "patch.cuh"
#include "ring.cuh"

constexpr int TAP_BYTES = PANEL * ROW_BYTES;     // the weights of a tap for one panel, in either layout
constexpr int WARP_OUTS = 16, WARP_PIXELS = 64;  // results that a warp transposes at once before they are written
constexpr int STAGES = 2, WARPGROUPS = 2, WARPS = 4 * WARPGROUPS, THREADS = 128 * (WARPGROUPS + 1);

template <typename T> constexpr int DEPTH = ROW_BYTES / (int)sizeof(T);  // channels of a stage
template <typename T> constexpr int PITCH = WARP_OUTS * (int)sizeof(T) + CHUNK_BYTES;
template <typename T> constexpr int STAGING_BYTES = WARPS * WARP_PIXELS * PITCH<T>;
// ACROSS: the two warpgroups compute 128 output channels of one patch; else 64 channels of two patches, one below the other.
template <bool ACROSS> constexpr int LINES = ACROSS ? SIDE : 2 * SIDE;
template <bool ACROSS> constexpr int PANELS = ACROSS ? 2 : 1;
template <bool ACROSS> constexpr int PIXEL_BYTES = (LINES<ACROSS> + 2) * LINE_BYTES;
template <bool ACROSS> constexpr int STAGE_BYTES = PIXEL_BYTES<ACROSS> + PANELS<ACROSS> * 3 * TAP_BYTES;

struct Shape {
    int images, height, width;
    int source_channels0, source_channels1, out_channels0, out_channels1;
    int flipped;         // for the input gradient: tap t of the weights is used where the convolution uses tap 2 - t
    int masked0, masked1;  // whether the outputs have masks
};

struct Tile {
    int image, row, column, out;  // the first pixel and the first output channel

    template <bool ACROSS> static __device__ __forceinline__ int count(const Shape& s) {
        return s.images * down<ACROSS>(s) * along(s) * outs<ACROSS>(s);
    }
    template <bool ACROSS> static __device__ __forceinline__ Tile at(const Shape& s, int index) {
        const int out = index % outs<ACROSS>(s), patch = index / outs<ACROSS>(s);
        const int column = patch % along(s), rest = patch / along(s);
        return {rest / down<ACROSS>(s), rest % down<ACROSS>(s) * LINES<ACROSS>, column * SIDE, out * PANEL * PANELS<ACROSS>};
    }
    static __device__ __forceinline__ int along(const Shape& s) { return (s.width + SIDE - 1) / SIDE; }
    template <bool ACROSS> static __device__ __forceinline__ int down(const Shape& s) {
        return (s.height + LINES<ACROSS> - 1) / LINES<ACROSS>;
    }
    template <bool ACROSS> static __device__ __forceinline__ int outs(const Shape& s) {
        return (s.out_channels0 + s.out_channels1 + PANEL * PANELS<ACROSS> - 1) / (PANEL * PANELS<ACROSS>);
    }
};

// A mask also goes through the ring, as the last stage of a tile, or the last two if its elements are floats: 16 or 8 lines of pixels for
// each warpgroup, in panels of 128 bytes of channels.
template <typename T> constexpr int MASK_STAGES = (int)sizeof(T) / 2;
template <typename T> constexpr int MASK_LINES = SIDE / MASK_STAGES<T>;
template <typename T> constexpr int MASK_BOXES = MASK_STAGES<T>;
template <typename T> constexpr int MASK_BOX_BYTES = MASK_LINES<T> * LINE_BYTES;

__device__ __forceinline__ bool panel_is_masked(const Shape& s, int out) {
    return out < s.out_channels0 ? s.masked0 : out < s.out_channels0 + s.out_channels1 ? s.masked1 : false;
}

template <typename T, bool ACROSS, bool TRANSPOSED>
__device__ __forceinline__ void fetch_tiles(const TensorMap& source0, const TensorMap& source1, const TensorMap& weight,
                                            const TensorMap& mask0, const TensorMap& mask1, const Shape& s,
                                            unsigned char* memory, const Ring<STAGES>& ring) {
    const int chunks0 = (s.source_channels0 + DEPTH<T> - 1) / DEPTH<T>;
    const int chunks = chunks0 + (s.source_channels1 + DEPTH<T> - 1) / DEPTH<T>;
    Turn<STAGES> turn;
    for (int index = blockIdx.x; index < Tile::count<ACROSS>(s); index += gridDim.x) {
        const Tile tile = Tile::at<ACROSS>(s, index);
        for (int chunk = 0; chunk < chunks; chunk++) {
            const bool second = chunk >= chunks0;
            const int channel = (second ? chunk - chunks0 : chunk) * DEPTH<T>;
            const int weight_channel = second ? s.source_channels0 + channel : channel;
            for (int along = 0; along < 3; along++) {
                unsigned char* pixels = memory + turn.stage * STAGE_BYTES<ACROSS>;
                unsigned char* weights = pixels + PIXEL_BYTES<ACROSS>;
                uint64_t* arrival = ring.open(turn, STAGE_BYTES<ACROSS>);
                copy_box(pixels, second ? &source1 : &source0, arrival, channel, tile.column - 1 + along, tile.row - 1, tile.image);
                const int tap = s.flipped ? 2 - along : along;
                for (int panel = 0; panel < PANELS<ACROSS>; panel++) {
                    const int out = tile.out + panel * PANEL;
                    copy_box(weights + panel * 3 * TAP_BYTES, &weight, arrival, TRANSPOSED ? out : weight_channel,
                             TRANSPOSED ? weight_channel : out, tap, 0);
                }
                turn.next();
            }
        }
        bool masked[WARPGROUPS];
        for (int group = 0; group < WARPGROUPS; group++)
            masked[group] = panel_is_masked(s, tile.out + (ACROSS ? group * PANEL : 0));
        if (!masked[0] && !masked[1]) continue;
        for (int part = 0; part < MASK_STAGES<T>; part++) {
            uint64_t* arrival = ring.open(turn, (masked[0] + masked[1]) * MASK_BOXES<T> * MASK_BOX_BYTES<T>);
            for (int group = 0; group < WARPGROUPS; group++) {
                if (!masked[group]) continue;
                const int out = tile.out + (ACROSS ? group * PANEL : 0), line = (ACROSS ? 0 : group * SIDE) + part * MASK_LINES<T>;
                const bool second = out >= s.out_channels0;
                for (int box = 0; box < MASK_BOXES<T>; box++)
                    copy_box(memory + turn.stage * STAGE_BYTES<ACROSS> + (group * MASK_BOXES<T> + box) * MASK_BOX_BYTES<T>,
                             second ? &mask1 : &mask0, arrival, (second ? out - s.out_channels0 : out) + box * DEPTH<T>,
                             tile.column, tile.row + line, tile.image);
            }
            turn.next();
        }
    }
}

// Computes the sums of one warpgroup for a tile: 64 output channels x 256 pixels. Moves `turn` past the stages of the tile.
template <typename T, bool ACROSS, bool TRANSPOSED>
__device__ __forceinline__ void multiply_tile(float (&sum)[128], const Shape& s, const unsigned char* memory,
                                              const Ring<STAGES>& ring, Turn<STAGES>& turn, int group, int lane) {
    const int chunks = (s.source_channels0 + DEPTH<T> - 1) / DEPTH<T> + (s.source_channels1 + DEPTH<T> - 1) / DEPTH<T>;
    constexpr int STEP_BYTES = 32;  // of the summed axis in one product
#pragma unroll
    for (int i = 0; i < 128; i++) sum[i] = 0;
    int before = -1;  // the stage whose products may not be complete yet
    for (int left = 3 * chunks; left > 0; left--) {
        const unsigned char* pixels = memory + turn.stage * STAGE_BYTES<ACROSS> + (ACROSS ? 0 : group * SIDE * LINE_BYTES);
        const unsigned char* weights =
            memory + turn.stage * STAGE_BYTES<ACROSS> + PIXEL_BYTES<ACROSS> + (ACROSS ? group * 3 * TAP_BYTES : 0);
        ring.wait(turn);
        warpgroup_fence();
#pragma unroll
        for (int tap = 0; tap < 3; tap++) {
            const uint64_t a = describe_operand(weights + (s.flipped ? 2 - tap : tap) * TAP_BYTES, GROUP_BYTES);
            const uint64_t b = describe_operand(pixels + tap * LINE_BYTES, GROUP_BYTES);
#pragma unroll
            for (int step = 0; step < ROW_BYTES / STEP_BYTES; step++)
                warpgroup_multiply<T, TRANSPOSED, false>(sum, further(a, step * (TRANSPOSED ? 2 * GROUP_BYTES : STEP_BYTES)),
                                                         further(b, step * STEP_BYTES));
        }
        ring.issued(turn, before, lane);
    }
    warpgroup_wait<0>();
    ring.hand_back(before, lane);
}

// Writes the 16 channels of a warp in four parts of 64 pixels. They go through shared memory of the warp, so that a lane gets whole chunks of
// the four pixels of a 2x2 window.
template <typename T, bool ACROSS>
__device__ __forceinline__ void leave(float (&sum)[128], const Tile& tile, const Shape& s, const Epilogue<T>& out,
                                      const unsigned char* memory, unsigned char* staging, const Ring<STAGES>& ring,
                                      Turn<STAGES>& turn, int group, int warp, int lane) {
    const int panel = tile.out + (ACROSS ? group * PANEL : 0), first = panel + warp % 4 * WARP_OUTS;
    const int first_row = tile.row + (ACROSS ? 0 : group * SIDE), outs = s.out_channels0 + s.out_channels1;
    const bool second = panel >= s.out_channels0, masked = panel_is_masked(s, panel);
    const bool any_masked = panel_is_masked(s, tile.out) || panel_is_masked(s, tile.out + (ACROSS ? PANEL : 0));
    const int width = second ? s.out_channels1 : s.out_channels0, at_n = second ? first - s.out_channels0 : first;
    T* to = second ? out.out1 : out.out0;
    float bias[2] = {0, 0};
    if (out.bias) {
        if (first + lane / 4 < outs) bias[0] = out.bias[first + lane / 4];
        if (first + lane / 4 + 8 < outs) bias[1] = out.bias[first + lane / 4 + 8];
    }
    constexpr int LANE_CHUNKS = WARP_OUTS / VECTOR<T>, PARTS = SIDE * SIDE / WARP_PIXELS, PART_LINES = WARP_PIXELS / SIDE;
#pragma unroll
    for (int part = 0; part < PARTS; part++) {
        if (any_masked && part % (PARTS / MASK_STAGES<T>) == 0) ring.wait(turn);
#pragma unroll
        for (int line = 0; line < PART_LINES; line++) {
            float value[4][2];  // for each 8x8 matrix: channels 0 to 7 and 8 to 15 of pixels 0 to 7, then of pixels 8 to 15
#pragma unroll
            for (int i = 0; i < 4; i++)
#pragma unroll
                for (int e = 0; e < 2; e++) {
                    float v = sum[((part * PART_LINES + line) * 2 + i / 2) * 4 + i % 2 * 2 + e] + bias[i % 2];
                    if (out.relu) v = v < 0 ? 0 : v;
                    value[i][e] = v;
                }
            if constexpr (sizeof(T) == 2) {
                const int pixel = line * SIDE + lane / 16 * 8 + lane % 8;
                store_matrices_transposed(staging + pixel * PITCH<T> + lane / 8 % 2 * CHUNK_BYTES, pack_bf16(value[0][0], value[0][1]),
                                          pack_bf16(value[1][0], value[1][1]), pack_bf16(value[2][0], value[2][1]),
                                          pack_bf16(value[3][0], value[3][1]));
            } else {
#pragma unroll
                for (int i = 0; i < 4; i++)
#pragma unroll
                    for (int e = 0; e < 2; e++) {
                        const int pixel = line * SIDE + i / 2 * 8 + lane % 4 * 2 + e, channel = lane / 4 + i % 2 * 8;
                        *reinterpret_cast<float*>(staging + pixel * PITCH<T> + channel * 4) =
                            out.round_to_tf32 ? as_tf32(value[i][e]) : value[i][e];
                    }
            }
        }
        __syncwarp();
#pragma unroll
        for (int piece = 0; piece < LANE_CHUNKS / 2; piece++) {
            const int place = piece * 32 + lane, chunk = place % LANE_CHUNKS, quad = place / LANE_CHUNKS;
            const int n = at_n + chunk * VECTOR<T>;
            const int line = quad / (SIDE / 2) * 2, along = quad % (SIDE / 2) * 2;  // of the window's first pixel in this part
            const int row = first_row + part * PART_LINES + line, column = tile.column + along;
            if (first + chunk * VECTOR<T> >= outs || row >= s.height || column >= s.width) continue;
            const long long pixel = ((long long)tile.image * s.height + row) * s.width + column;
            Largest<T> largest;
#pragma unroll
            for (int t = 0; t < 4; t++) {
                if (row + t / 2 >= s.height || column + t % 2 >= s.width) continue;
                const int place_here = (line + t / 2) * SIDE + along + t % 2;
                Chunk<T> result = load_chunk<T>(staging + place_here * PITCH<T> + chunk * CHUNK_BYTES);
                if (masked) {
                    const int c = (warp % 4 * WARP_OUTS + chunk * VECTOR<T>) / VECTOR<T>;  // chunk of the panel's 64 channels
                    const int at = (part * WARP_PIXELS) % (MASK_LINES<T> * SIDE) + place_here;
                    const unsigned char* box =
                        memory + turn.stage * STAGE_BYTES<ACROSS> + (group * MASK_BOXES<T> + c / 8) * MASK_BOX_BYTES<T>;
                    keep_positive(result, load_chunk<T>(box + at * ROW_BYTES + ((c % 8 ^ at % 8) << 4)));
                }
                if (to) store_chunk(to + (pixel + t / 2 * s.width + t % 2) * width + n, result);
                if (out.pooled) largest.see(result, t);
            }
            if (out.pooled) {
                const long long window = ((long long)tile.image * (s.height / 2) + row / 2) * (s.width / 2) + column / 2;
                largest.leave(out, window * width + n);
            }
        }
        __syncwarp();
        if (any_masked && part % (PARTS / MASK_STAGES<T>) == PARTS / MASK_STAGES<T> - 1) {
            ring.hand_back(turn.stage, lane);
            turn.next();
        }
    }
}

template <typename T, bool ACROSS, bool TRANSPOSED>
__global__ void __launch_bounds__(THREADS, 1)
    hopper_convolve(const __grid_constant__ TensorMap source0, const __grid_constant__ TensorMap source1,
                    const __grid_constant__ TensorMap weight, const __grid_constant__ TensorMap mask0,
                    const __grid_constant__ TensorMap mask1, const __grid_constant__ Shape s, const __grid_constant__ Epilogue<T> out) {
    DYNAMIC_SHARED(memory);
    unsigned char* staging = memory + STAGES * STAGE_BYTES<ACROSS>;
    const Ring<STAGES> ring(staging + STAGING_BYTES<T>, WARPS);
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, group = warp / 4;
    if (group == WARPGROUPS) {
        give_registers<40>();
        if (warp == WARPS && lane == 0)
            fetch_tiles<T, ACROSS, TRANSPOSED>(source0, source1, weight, mask0, mask1, s, memory, ring);
    } else {
        take_registers<232>();
        unsigned char* mine = staging + warp * WARP_PIXELS * PITCH<T>;
        Turn<STAGES> turn;
        for (int index = blockIdx.x; index < Tile::count<ACROSS>(s); index += gridDim.x) {
            float sum[128];
            multiply_tile<T, ACROSS, TRANSPOSED>(sum, s, memory, ring, turn, group, lane);
            leave<T, ACROSS>(sum, Tile::at<ACROSS>(s, index), s, out, memory, mine, ring, turn, group, warp, lane);
        }
    }
}
