// One step of Adam (Kingma and Ba 2015, algorithm 1) on many tensors in one launch: each block takes a piece of one of them.
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

// The learning rate and the corrections of the two means' bias: rate = lr / (1 - beta1^step), root = sqrt(1 - beta2^step).
struct Scales {
    double rate, root;
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
};

__global__ void set_learning_rate(Clock* clock, double lr) { clock->lr = lr; }
__global__ void set_updates(Clock* clock, double updates) { clock->updates = updates; }

// One update more; run by one thread before `adam`.
__global__ void advance(Clock* clock, double beta1, double beta2) {
    const double updates = clock->updates + 1;
    clock->updates = updates;
    clock->scales.rate = clock->lr / (1 - pow(beta1, updates));
    clock->scales.root = sqrt(1 - pow(beta2, updates));
}

template <typename T> __global__ void __launch_bounds__(THREADS) adam(const __grid_constant__ Tensors<T> tensors, const Step step) {
    int low = 0, high = tensors.count - 1;  // the last tensor that begins at or before this block
    while (low < high) {
        const int middle = (low + high + 1) / 2;
        if (tensors.first_block[middle] <= (int)blockIdx.x)
            low = middle;
        else
            high = middle - 1;
    }
    const Scales scales = step.moving ? *step.moving : step.fixed;
    const T beta1 = (T)step.beta1, beta2 = (T)step.beta2, rate = (T)scales.rate, root = (T)scales.root, eps = (T)step.eps;
    const T rest1 = (T)(1 - step.beta1), rest2 = (T)(1 - step.beta2), weight_decay = (T)step.weight_decay;
    T* params = tensors.params[low];
    const T* grads = tensors.grads[low];
    T* exp_avgs = tensors.exp_avgs[low];
    T* exp_avg_sqs = tensors.exp_avg_sqs[low];
    bfloat16* copies = tensors.copies[low];
    const long long first = (long long)((int)blockIdx.x - tensors.first_block[low]) * PIECE;
    const long long end = min(first + PIECE, tensors.sizes[low]);
    for (long long i = first + threadIdx.x; i < end; i += THREADS) {
        const T param = params[i], grad = grads[i] + weight_decay * param;
        const T mean = beta1 * exp_avgs[i] + rest1 * grad;
        const T square = beta2 * exp_avg_sqs[i] + rest2 * (grad * grad);
        exp_avgs[i] = mean;
        exp_avg_sqs[i] = square;
        const T updated = param - rate * mean / (sqrt(square) / root + eps);
        params[i] = updated;
        if (copies) copies[i] = narrow<bfloat16>((float)updated);
    }
}
