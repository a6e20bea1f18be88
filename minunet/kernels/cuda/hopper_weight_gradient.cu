// The weight gradient of a 3x3 convolution with padding 1 on the tensor cores of sm_90a (Hopper), in bfloat16 with float sums.
//
// A block computes 64 output channels x 64 source channels and all nine taps, and sums over some of the pixels, patch by patch. A patch of the
// source is copied to shared memory three times, a pixel apart: these are the three horizontal taps, side by side in one product of 192
// columns. Each of three warpgroups computes one vertical tap, for which the patch (10 pixels high) is moved by one line. The summed axis of a
// product is a line of 16 pixels, so both operands are read transposed. A further warp has the thread that starts the bulk copies (ring.cuh).
// Shared memory: two stages, each with a patch of the gradient and three of the source; the barriers. sum_splits adds the partial sums of
// the blocks along z in a fixed order. Launch code: hopper_weight_gradient.py.
#include "dtypes.cuh"
#include "patch.cuh"
#include "ring.cuh"

constexpr int LINES = 8;  // of a patch
constexpr int BOX_BYTES = (LINES + 2) * LINE_BYTES, GRAD_BYTES = LINES * LINE_BYTES, STAGE_BYTES = 3 * BOX_BYTES + GRAD_BYTES;
constexpr int STAGES = 2, WARPGROUPS = 3, WARPS = 4 * WARPGROUPS, THREADS = 128 * (WARPGROUPS + 1);

struct Shape {
    int images, height, width;
    int source_channels0, source_channels1, out_channels;
    int share;  // patches that a block sums
};

__device__ __forceinline__ int along(const Shape& s) { return (s.width + SIDE - 1) / SIDE; }
__device__ __forceinline__ int down(const Shape& s) { return (s.height + LINES - 1) / LINES; }

// partial (splits, 3, 3, source channels, output channels)
__global__ void __launch_bounds__(THREADS, 1)
    hopper_weight_gradient(const __grid_constant__ TensorMap source0, const __grid_constant__ TensorMap source1,
                           const __grid_constant__ TensorMap grad, float* partial, const Shape s) {
    DYNAMIC_SHARED(memory);
    const Ring<STAGES> ring(memory + STAGES * STAGE_BYTES, WARPS);
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    // A panel belongs to one of the sources, whose channels need not fill its last panel.
    const int panels0 = (s.source_channels0 + PANEL - 1) / PANEL, panel = blockIdx.x, first_out = blockIdx.y * PANEL;
    const bool second = panel >= panels0;
    const int channel = (second ? panel - panels0 : panel) * PANEL;
    const int first_patch = blockIdx.z * s.share, patches = min(s.share, s.images * down(s) * along(s) - first_patch);
    Turn<STAGES> turn;
    if (warp >= WARPS) {
        give_registers<40>();
        if (warp == WARPS && lane == 0)
#pragma unroll 1
            for (int k = 0; k < patches; k++) {
                const int patch = first_patch + k, rest = patch / along(s);
                const int column = patch % along(s) * SIDE, row = rest % down(s) * LINES, image = rest / down(s);
                unsigned char* boxes = memory + turn.stage * STAGE_BYTES;
                uint64_t* arrival = ring.open(turn, STAGE_BYTES);
                copy_box(boxes + 3 * BOX_BYTES, &grad, arrival, first_out, column, row, image);
                for (int tap = 0; tap < 3; tap++)
                    copy_box(boxes + tap * BOX_BYTES, second ? &source1 : &source0, arrival, channel, column - 1 + tap, row - 1, image);
                turn.next();
            }
    } else {
        take_registers<152>();
        const int tap_row = warp / 4;
        float sum[96];
#pragma unroll
        for (int i = 0; i < 96; i++) sum[i] = 0;
        int before = -1;  // the stage whose products may not be complete yet
#pragma unroll 1
        for (int k = 0; k < patches; k++) {
            const unsigned char* boxes = memory + turn.stage * STAGE_BYTES;
            ring.wait(turn);
            warpgroup_fence();
            const uint64_t a = describe_operand(boxes + 3 * BOX_BYTES, GROUP_BYTES, GRAD_BYTES);
            const uint64_t b = describe_operand(boxes + tap_row * LINE_BYTES, GROUP_BYTES, BOX_BYTES);
#pragma unroll
            for (int line = 0; line < LINES; line++)
                warpgroup_multiply<bfloat16, true, true>(sum, further(a, line * LINE_BYTES), further(b, line * LINE_BYTES));
            ring.issued(turn, before, lane);
        }
        warpgroup_wait<0>();

        // Rows are output channels; columns are (horizontal tap, source channel).
        const int own_channels = second ? s.source_channels1 : s.source_channels0, channels = s.source_channels0 + s.source_channels1;
        const int joined = second ? s.source_channels0 + channel : channel;
        const int out = first_out + warp % 4 * 16 + lane / 4, c = lane % 4 * 2, tap_stride = channels * s.out_channels;
        float* mine = partial + ((long long)blockIdx.z * 9 + tap_row * 3) * tap_stride + (joined + c) * s.out_channels + out;
#pragma unroll
        for (int i = 0; i < 96; i++) {
            const int at = i / 4 * 8 + i % 2, tap = at / PANEL, more = at % PANEL, below = i / 2 % 2 * 8;
            if (out + below < s.out_channels && channel + c + more < own_channels)
                mine[tap * tap_stride + more * s.out_channels + below] = sum[i];
        }
    }
}
