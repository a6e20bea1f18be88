// One step of Adam (Kingma and Ba 2015, algorithm 1) on many tensors in one launch: each block takes a piece of one of them.
#include "block_sum.cuh"
#include "numbers.cuh"

constexpr int THREADS = 256, PIECE = 4096, MAX_TENSORS = 64;  // the table travels with the launch, which holds at most 4 KB

template <typename T> struct Tensors {
    int count;
    int first_block[MAX_TENSORS];  // the block that begins each tensor
    long long sizes[MAX_TENSORS];
    T* params[MAX_TENSORS];
    const T* grads[MAX_TENSORS];
    T* exp_avgs[MAX_TENSORS];
    T* exp_avg_sqs[MAX_TENSORS];
    bfloat16* copies[MAX_TENSORS];  // where the new parameter also goes, rounded; null for none
};

// The learning rate and the corrections of the two means' bias: rate = lr / (1 - beta1^step), root = sqrt(1 - beta2^step); and what
// the gradients are multiplied by, where below 0 stands for no update at all.
struct Scales {
    double rate, root, gradient;
};

// `moving` replaces `fixed` where it is not null: a captured step finds its scales in device memory, where `advance` puts them.
struct Step {
    Scales fixed;
    const Scales* moving;
    double beta1, beta2, eps, weight_decay;
};

struct Clock {
    double updates, lr;
    Scales scales;
    double norm;  // of the last gradient, all tensors together; 0 where it is not asked for
};

__global__ void set_learning_rate(Clock* clock, double lr) { clock->lr = lr; }
__global__ void set_updates(Clock* clock, double updates) { clock->updates = updates; }

__device__ __forceinline__ bool is_finite(double value) { return value - value == 0; }

// One update more, its gradient shortened to `clip` where it is longer (Pascanu et al. 2013, algorithm 1); none where the loss or
// the gradient is not finite. `squares` are the gradient's, from `square_sums`; without any it is not looked at. One block, before `adam`.
__global__ void __launch_bounds__(THREADS)
    advance(Clock* clock, const float* loss, const double* squares, int count, double clip, double beta1, double beta2) {
    DYNAMIC_SHARED(memory);
    double sum = 0;
    for (int i = threadIdx.x; i < count; i += THREADS) sum += squares[i];
    sum = block_sum<THREADS>(sum, reinterpret_cast<double*>(memory));
    if (threadIdx.x) return;
    const double norm = sqrt(sum);
    clock->norm = norm;
    if (!is_finite(norm) || !is_finite(loss[0])) {
        clock->scales.gradient = -1;
        return;
    }
    const double updates = clock->updates + 1;
    clock->updates = updates;
    clock->scales.rate = clock->lr / (1 - pow(beta1, updates));
    clock->scales.root = sqrt(1 - pow(beta2, updates));
    clock->scales.gradient = count && norm > clip ? clip / norm : 1;
}

// Which tensor a block works on: the last that begins at or before it.
template <typename T> __device__ __forceinline__ int tensor_of_block(const Tensors<T>& tensors) {
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

// partial[first_partial + block] = sum of the squares of the block's piece of the gradients
template <typename T>
__global__ void __launch_bounds__(THREADS)
    square_sums(const __grid_constant__ Tensors<T> tensors, double* partial, int first_partial) {
    DYNAMIC_SHARED(memory);
    const int tensor = tensor_of_block(tensors);
    const T* grads = tensors.grads[tensor];
    const long long first = (long long)((int)blockIdx.x - tensors.first_block[tensor]) * PIECE;
    const long long end = min(first + PIECE, tensors.sizes[tensor]);
    double sum = 0;
    for (long long i = first + threadIdx.x; i < end; i += THREADS) sum += (double)grads[i] * grads[i];
    sum = block_sum<THREADS>(sum, reinterpret_cast<double*>(memory));
    if (threadIdx.x == 0) partial[first_partial + (int)blockIdx.x] = sum;
}

template <typename T> __global__ void __launch_bounds__(THREADS) adam(const __grid_constant__ Tensors<T> tensors, const Step step) {
    const Scales scales = step.moving ? *step.moving : step.fixed;
    if (scales.gradient < 0) return;
    const int tensor = tensor_of_block(tensors);
    const T shortening = (T)scales.gradient;
    const T beta1 = (T)step.beta1, beta2 = (T)step.beta2, rate = (T)scales.rate, root = (T)scales.root, eps = (T)step.eps;
    const T rest1 = (T)(1 - step.beta1), rest2 = (T)(1 - step.beta2), weight_decay = (T)step.weight_decay;
    T* params = tensors.params[tensor];
    const T* grads = tensors.grads[tensor];
    T* exp_avgs = tensors.exp_avgs[tensor];
    T* exp_avg_sqs = tensors.exp_avg_sqs[tensor];
    bfloat16* copies = tensors.copies[tensor];
    const long long first = (long long)((int)blockIdx.x - tensors.first_block[tensor]) * PIECE;
    const long long end = min(first + PIECE, tensors.sizes[tensor]);
    for (long long i = first + threadIdx.x; i < end; i += THREADS) {
        const T param = params[i], grad = shortening * grads[i] + weight_decay * param;
        const T mean = beta1 * exp_avgs[i] + rest1 * grad;
        const T square = beta2 * exp_avg_sqs[i] + rest2 * (grad * grad);
        exp_avgs[i] = mean;
        exp_avg_sqs[i] = square;
        const T updated = param - rate * mean / (sqrt(square) / root + eps);
        params[i] = updated;
        if (copies) copies[i] = narrow<bfloat16>((float)updated);
    }
}
