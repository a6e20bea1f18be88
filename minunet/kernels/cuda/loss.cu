// Binary cross-entropy on logits: mean of w (max(z, 0) - z t + log(1 + exp(-|z|))), and its gradient w (sigmoid(z) - t) / n.
// The sum runs in double, over a fixed number of blocks whose sums one last block adds in order.
#include "block_sum.cuh"
#include "dtypes.cuh"

constexpr int THREADS = 256;

template <typename T>
__global__ void __launch_bounds__(THREADS)
    bce_sums(const T* logits, const T* target, const T* weight, double* partial, long long count) {
    DYNAMIC_SHARED(memory);
    double sum = 0;
    for (long long i = (long long)blockIdx.x * THREADS + threadIdx.x; i < count; i += (long long)gridDim.x * THREADS) {
        const Wide<T> z = widen(logits[i]), size = z < 0 ? -z : z;
        const Wide<T> loss = (z > 0 ? z : z - z) - z * widen(target[i]) + log1p(exp(-size));  // z - z: 0, or NaN for a NaN
        sum += weight ? loss * widen(weight[i]) : loss;
    }
    sum = block_sum<THREADS>(sum, reinterpret_cast<double*>(memory));
    if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

// loss[0] = (sum of partial) / count
template <typename T>
__global__ void __launch_bounds__(THREADS) mean_of_sums(const double* partial, T* loss, int partials, long long count) {
    DYNAMIC_SHARED(memory);
    double sum = 0;
    for (int i = threadIdx.x; i < partials; i += THREADS) sum += partial[i];
    sum = block_sum<THREADS>(sum, reinterpret_cast<double*>(memory));
    if (threadIdx.x == 0) loss[0] = narrow<T>((Wide<T>)(sum / count));
}

// `scale` is the gradient of what follows the loss: one number, on the device.
template <typename T>
__global__ void __launch_bounds__(THREADS)
    bce_gradient(const T* scale, const T* logits, const T* target, const T* weight, T* out, long long count) {
    const long long i = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (i >= count) return;
    typedef Wide<T> A;
    const A z = widen(logits[i]), e = exp(z < 0 ? z : -z), p = (z >= 0 ? (A)1 : e) / (1 + e);
    const A grad = (p - widen(target[i])) * (widen(scale[0]) / (A)count);
    out[i] = narrow<T>(weight ? grad * widen(weight[i]) : grad);
}

// Loss and gradient in one pass, for a training step: `logits` and `grad` have `width` channels, of which the first `channels` are
// the network's and the rest fill whole chunks; the target has `channels`. The gradient of the mean, `rounded` to tf32 where that is
// asked for; zero in the filling.
template <typename T>
__global__ void __launch_bounds__(THREADS)
    bce_step(const T* logits, const float* target, T* grad, double* partial, long long pixels, int channels, int width,
             int rounded) {
    DYNAMIC_SHARED(memory);
    const float scale = 1 / ((float)pixels * channels);
    double sum = 0;
    for (long long i = (long long)blockIdx.x * THREADS + threadIdx.x; i < pixels * width; i += (long long)gridDim.x * THREADS) {
        const long long pixel = i / width;
        const int channel = (int)(i % width);
        float slope = 0;
        if (channel < channels) {
            const float z = widen(logits[i]), t = target[pixel * channels + channel], e = exp(z < 0 ? z : -z);
            sum += (z > 0 ? z : z - z) - z * t + log1p(e);
            slope = ((z >= 0 ? 1.f : e) / (1 + e) - t) * scale;
        }
        grad[i] = narrow<T>(rounded ? as_tf32(slope) : slope);
    }
    sum = block_sum<THREADS>(sum, reinterpret_cast<double*>(memory));
    if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}
