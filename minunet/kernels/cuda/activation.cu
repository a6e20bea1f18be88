// ReLU, tanh and sigmoid, element by element, and softmax along one axis; and their gradients, which are functions of the output y.
//
// Elementwise kernels: one thread per element. Softmax: one warp per row, so 8 rows per block of 256 threads. No shared memory.
// Launch code: activation.py.
#include "dtypes.cuh"

constexpr int THREADS = 256;

struct Relu {  // NaN gives NaN
    template <typename A> static __device__ __forceinline__ A value(A x) { return x < 0 ? (A)0 : x; }
    template <typename A> static __device__ __forceinline__ A gradient(A g, A y) { return y > 0 ? g : (A)0; }
};
struct Tanh {
    template <typename A> static __device__ __forceinline__ A value(A x) { return tanh(x); }
    template <typename A> static __device__ __forceinline__ A gradient(A g, A y) { return g * (1 - y * y); }
};
struct Sigmoid {  // uses only exp(-|x|), which cannot overflow
    template <typename A> static __device__ __forceinline__ A value(A x) {
        const A e = exp(x < 0 ? x : -x);
        return (x >= 0 ? (A)1 : e) / (1 + e);
    }
    template <typename A> static __device__ __forceinline__ A gradient(A g, A y) { return g * (y * (1 - y)); }
};

template <typename Activation, typename T>
__global__ void __launch_bounds__(THREADS) activate(const T* x, T* y, long long count) {
    const long long i = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (i < count) y[i] = narrow<T>(Activation::value(widen(x[i])));
}

template <typename Activation, typename T>
__global__ void __launch_bounds__(THREADS) activate_gradient(const T* grad, const T* y, T* out, long long count) {
    const long long i = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (i < count) out[i] = narrow<T>(Activation::gradient(widen(grad[i]), widen(y[i])));
}

// A row has `length` elements at a distance of `inner`; row r begins at (r / inner) * length * inner + r % inner.
template <typename A> __device__ __forceinline__ A warp_sum(A value) {
    for (int bits = 16; bits; bits /= 2) value += __shfl_xor_sync(~0u, value, bits);
    return value;
}
template <typename A> __device__ __forceinline__ A warp_max(A value) {
    for (int bits = 16; bits; bits /= 2) {
        const A other = __shfl_xor_sync(~0u, value, bits);
        value = other > value ? other : value;
    }
    return value;
}

// y = exp(x - max of x) / sum of exp(x - max of x), along a row
template <typename T>
__global__ void __launch_bounds__(THREADS) softmax(const T* x, T* y, int length, int inner, long long rows) {
    typedef Wide<T> A;
    const int lane = threadIdx.x % 32;
    const long long row = (long long)blockIdx.x * (THREADS / 32) + threadIdx.x / 32;
    if (row >= rows) return;  // a whole warp
    const long long first = row / inner * length * inner + row % inner;
    A largest = -(A)INFINITY, sum = 0;
    for (int i = lane; i < length; i += 32) largest = widen(x[first + (long long)i * inner]) > largest ? widen(x[first + (long long)i * inner]) : largest;
    largest = warp_max(largest);
    for (int i = lane; i < length; i += 32) sum += exp(widen(x[first + (long long)i * inner]) - largest);
    sum = warp_sum(sum);
    for (int i = lane; i < length; i += 32)
        y[first + (long long)i * inner] = narrow<T>(exp(widen(x[first + (long long)i * inner]) - largest) / sum);
}

// out = y (grad - sum of grad y), with the sum along a row
template <typename T>
__global__ void __launch_bounds__(THREADS)
    softmax_gradient(const T* grad, const T* y, T* out, int length, int inner, long long rows) {
    typedef Wide<T> A;
    const int lane = threadIdx.x % 32;
    const long long row = (long long)blockIdx.x * (THREADS / 32) + threadIdx.x / 32;
    if (row >= rows) return;
    const long long first = row / inner * length * inner + row % inner;
    A sum = 0;
    for (int i = lane; i < length; i += 32) {
        const long long at = first + (long long)i * inner;
        sum += widen(grad[at]) * widen(y[at]);
    }
    sum = warp_sum(sum);
    for (int i = lane; i < length; i += 32) {
        const long long at = first + (long long)i * inner;
        out[at] = narrow<T>(widen(y[at]) * (widen(grad[at]) - sum));
    }
}
