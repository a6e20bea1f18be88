// Adam (Kingma and Ba 2015, algorithm 1) on many tensors in one launch, clipping by the norm of the gradient, and Adam's state on the
// device, which a CUDA graph needs: the arguments of a captured launch never change, the numbers in device memory do.
//
// A block of 256 threads updates up to 4096 neighbouring elements of one tensor. Shared memory holds one double per warp, for sums.
// Launch code: adam.py.
#include "block_sum.cuh"
#include "dtypes.cuh"

// The table of tensors is a kernel argument; all arguments together have at most 4 KB.
constexpr int THREADS = 256, BLOCK_ELEMENTS = 4096, MAX_TENSORS = 64;

template <typename T> struct TensorTable {
    int count;
    int first_block[MAX_TENSORS];  // the first block of each tensor
    long long sizes[MAX_TENSORS];
    T* params[MAX_TENSORS];
    const T* grads[MAX_TENSORS];
    T* exp_avgs[MAX_TENSORS];
    T* exp_avg_sqs[MAX_TENSORS];
    bfloat16* copies[MAX_TENSORS];  // where the new parameter is also written, rounded to bfloat16; may be null
};

struct Scales {
    double step_size;              // lr / (1 - beta1^step)
    double bias_correction2_sqrt;  // sqrt(1 - beta2^step)
    double grad_scale;             // factor of the gradients; negative: no update
};

// `scales_on_device` is used in place of `scales` unless it is null: a captured step reads what `advance` wrote.
struct AdamArguments {
    Scales scales;
    const Scales* scales_on_device;
    double beta1, beta2, eps, weight_decay;
};

struct AdamState {
    double updates, lr;
    Scales scales;
    double grad_norm;  // of the last gradient, all tensors together; 0 where it is not computed
};

__global__ void set_learning_rate(AdamState* state, double lr) { state->lr = lr; }
__global__ void set_step_count(AdamState* state, double updates) { state->updates = updates; }

__device__ __forceinline__ bool is_finite(double value) { return value - value == 0; }

// Counts one update and computes its scales. The gradient is scaled down to norm `clip` where its norm is larger (Pascanu et al. 2013,
// algorithm 1). There is no update where the loss or the norm is not finite. `squares` come from `square_sums`; without them (count 0)
// the gradient is not examined. One block, launched before `adam`.
__global__ void __launch_bounds__(THREADS)
    advance(AdamState* state, const float* loss, const double* squares, int count, double clip, double beta1, double beta2) {
    DYNAMIC_SHARED(memory);
    double sum = 0;
    for (int i = threadIdx.x; i < count; i += THREADS) sum += squares[i];
    sum = block_sum<THREADS>(sum, reinterpret_cast<double*>(memory));
    if (threadIdx.x) return;
    const double norm = sqrt(sum);
    state->grad_norm = norm;
    if (!is_finite(norm) || !is_finite(loss[0])) {
        state->scales.grad_scale = -1;
        return;
    }
    const double updates = state->updates + 1;
    state->updates = updates;
    state->scales.step_size = state->lr / (1 - pow(beta1, updates));
    state->scales.bias_correction2_sqrt = sqrt(1 - pow(beta2, updates));
    state->scales.grad_scale = count && norm > clip ? clip / norm : 1;
}

// The tensor of this block: the last one whose first block is not after it.
template <typename T> __device__ __forceinline__ int tensor_of_block(const TensorTable<T>& tensors) {
    int low = 0, high = tensors.count - 1;
    while (low < high) {
        const int middle = (low + high + 1) / 2;
        if (tensors.first_block[middle] <= (int)blockIdx.x)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

// partial[first_partial + block] = sum of the squares of the block's part of the gradients
template <typename T>
__global__ void __launch_bounds__(THREADS)
    square_sums(const __grid_constant__ TensorTable<T> tensors, double* partial, int first_partial) {
    DYNAMIC_SHARED(memory);
    const int tensor = tensor_of_block(tensors);
    const T* grads = tensors.grads[tensor];
    const long long first = (long long)((int)blockIdx.x - tensors.first_block[tensor]) * BLOCK_ELEMENTS;
    const long long end = min(first + BLOCK_ELEMENTS, tensors.sizes[tensor]);
    double sum = 0;
    for (long long i = first + threadIdx.x; i < end; i += THREADS) sum += (double)grads[i] * grads[i];
    sum = block_sum<THREADS>(sum, reinterpret_cast<double*>(memory));
    if (threadIdx.x == 0) partial[first_partial + (int)blockIdx.x] = sum;
}

template <typename T>
__global__ void __launch_bounds__(THREADS) adam(const __grid_constant__ TensorTable<T> tensors, const AdamArguments arguments) {
    const Scales scales = arguments.scales_on_device ? *arguments.scales_on_device : arguments.scales;
    if (scales.grad_scale < 0) return;
    const int tensor = tensor_of_block(tensors);
    const T grad_scale = (T)scales.grad_scale, step_size = (T)scales.step_size, root = (T)scales.bias_correction2_sqrt;
    const T beta1 = (T)arguments.beta1, beta2 = (T)arguments.beta2, eps = (T)arguments.eps;
    const T rest1 = (T)(1 - arguments.beta1), rest2 = (T)(1 - arguments.beta2), weight_decay = (T)arguments.weight_decay;
    T* params = tensors.params[tensor];
    const T* grads = tensors.grads[tensor];
    T* exp_avgs = tensors.exp_avgs[tensor];
    T* exp_avg_sqs = tensors.exp_avg_sqs[tensor];
    bfloat16* copies = tensors.copies[tensor];
    const long long first = (long long)((int)blockIdx.x - tensors.first_block[tensor]) * BLOCK_ELEMENTS;
    const long long end = min(first + BLOCK_ELEMENTS, tensors.sizes[tensor]);
    for (long long i = first + threadIdx.x; i < end; i += THREADS) {
        const T param = params[i], grad = grad_scale * grads[i] + weight_decay * param;
        const T exp_avg = beta1 * exp_avgs[i] + rest1 * grad;
        const T exp_avg_sq = beta2 * exp_avg_sqs[i] + rest2 * (grad * grad);
        exp_avgs[i] = exp_avg;
        exp_avg_sqs[i] = exp_avg_sq;
        const T updated = param - step_size * exp_avg / (sqrt(exp_avg_sq) / root + eps);
        params[i] = updated;
        if (copies) copies[i] = narrow<bfloat16>((float)updated);
    }
}
