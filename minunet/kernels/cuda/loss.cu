// Binary cross-entropy on logits z with targets t: mean of w (max(z, 0) - z t + log(1 + exp(-|z|))), and its gradient
// w (sigmoid(z) - t) / n. And the cross-entropy of classes: mean of w (log(sum of exp(z)) - z of the class), and its gradient
// w (softmax(z) - onehot) / n.
//
// Sums are in double. bce_sums: up to 512 blocks of 256 threads, each thread adds every (blocks * 256)-th element, each block writes one
// partial sum; mean_of_sums: one block adds these in order. bce_gradient: one thread per element. bce_step and class_step: both in one
// pass.
// Shared memory: one double per warp. Launch code: loss.py.
#include "block_sum.cuh"
#include "dtypes.cuh"

constexpr int THREADS = 256;

// Without w. An infinite logit is a certain answer: it costs nothing if it is right, else it is infinite. `e` is exp(-|z|).
template <typename A>
__device__ inline A bce(A z, A t, A e) {
    const A size = z < 0 ? -z : z;
    if (z == z && size - size != 0) return (z > 0 ? (A)1 : (A)0) == t ? (A)0 : size;
    return (z > 0 ? z : z - z) - z * t + log1p(e);  // z - z: 0, or NaN for a NaN
}

template <typename T>
__global__ void __launch_bounds__(THREADS)
    bce_sums(const T* logits, const T* target, const T* weight, double* partial, long long count) {
    DYNAMIC_SHARED(memory);
    double sum = 0;
    for (long long i = (long long)blockIdx.x * THREADS + threadIdx.x; i < count; i += (long long)gridDim.x * THREADS) {
        const Wide<T> z = widen(logits[i]), size = z < 0 ? -z : z;
        const Wide<T> loss = bce<Wide<T>>(z, widen(target[i]), exp(-size));
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

// `scale` is the gradient with respect to the loss: one number on the device.
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

// The gradient of w times the loss, without the division by n; the loss itself is added to the sum. Where the weight is 0 the logit
// counts for nothing, whatever it is.
__device__ inline float add_bce(float z, float t, float w, double& sum) {
    if (w == 0) return 0;
    const float e = exp(z < 0 ? z : -z);
    sum += w * bce<float>(z, t, e);
    return w * ((z >= 0 ? 1.f : e) / (1 + e) - t);
}

// Loss and gradient in one pass, for a training step. `logits` and `grad` have `width` channels: the first `channels`, as many as the
// target and the weight have, are those of the network, the others are padding, where the gradient is 0. `grad` is that of the mean; with
// `rounded` it is rounded to tf32.
template <typename T>
__global__ void __launch_bounds__(THREADS)
    bce_step(const T* logits, const float* target, const float* weight, T* grad, double* partial, long long pixels, int channels,
             int width, int rounded) {
    DYNAMIC_SHARED(memory);
    const float scale = 1 / ((float)pixels * channels);
    double sum = 0;
    for (long long i = (long long)blockIdx.x * THREADS + threadIdx.x; i < pixels * width; i += (long long)gridDim.x * THREADS) {
        const long long pixel = i / width;
        const int channel = (int)(i % width);
        const long long value = pixel * channels + channel;
        float slope = 0;
        if (channel < channels) slope = add_bce(widen(logits[i]), target[value], weight ? weight[value] : 1.f, sum) * scale;
        grad[i] = narrow<T>(rounded ? as_tf32(slope) : slope);
    }
    sum = block_sum<THREADS>(sum, reinterpret_cast<double*>(memory));
    if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

// The same where the first `classes` logits of a pixel are under a softmax, and the one behind them, if there is one, under a sigmoid. A
// pixel has `terms` targets and weights: the index of its class, and the target of the sigmoid. `grad` is that of the sum over the terms
// of their means over the pixels. One thread per pixel; it has read a logit before it writes the gradient there.
template <typename T>
__global__ void __launch_bounds__(THREADS)
    class_step(const T* logits, const float* target, const float* weight, T* grad, double* partial, long long pixels, int classes,
               int terms, int width, int rounded) {
    DYNAMIC_SHARED(memory);
    const float scale = 1 / (float)pixels;
    double sum = 0;
    for (long long pixel = (long long)blockIdx.x * THREADS + threadIdx.x; pixel < pixels; pixel += (long long)gridDim.x * THREADS) {
        const T* z = logits + pixel * width;
        const float *t = target + pixel * terms, *w = weight + pixel * terms;
        const int index = (int)t[0];
        float top = 0, others = 0;
        if (w[0] != 0) {
            int best = 0;
            top = widen(z[0]);
            for (int k = 1; k < classes; k++) {
                const float next = widen(z[k]);
                if (next > top) top = next, best = k;
            }
            // With the largest logit left out, log of (1 + the other exponentials): the small loss of a confident answer is kept.
            for (int k = 0; k < classes; k++) others += k == best ? 0.f : exp(widen(z[k]) - top);
            sum += w[0] * (log1p(others) - (widen(z[index]) - top));
        }
        for (int k = 0; k < width; k++) {
            float slope = 0;
            if (k < classes && w[0] != 0) {
                slope = w[0] * (exp(widen(z[k]) - top) / (1 + others) - (k == index ? 1.f : 0.f)) * scale;
            } else if (k == classes && terms > 1) {
                slope = add_bce(widen(z[k]), t[1], w[1], sum) * scale;
            }
            grad[pixel * width + k] = narrow<T>(rounded ? as_tf32(slope) : slope);
        }
    }
    sum = block_sum<THREADS>(sum, reinterpret_cast<double*>(memory));
    if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}
