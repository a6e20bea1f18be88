"""Every operation as plain loops over indices, written from its definition, independent of the library's code."""

import itertools
import math

import numpy as np


def conv2d(x, weight, bias, stride, padding):
    """`padding` is ((top, bottom), (left, right))."""
    n, h, w, _ = x.shape
    kh, kw, c_in, c_out = weight.shape
    (top, bottom), (left, right) = padding
    out_h, out_w = (h + top + bottom - kh) // stride[0] + 1, (w + left + right - kw) // stride[1] + 1
    y = np.zeros((n, out_h, out_w, c_out))
    for b, r, s, o in np.ndindex(y.shape):
        total = 0.0 if bias is None else float(bias[o])
        for i, j, c in np.ndindex(kh, kw, c_in):
            row, column = r * stride[0] + i - top, s * stride[1] + j - left
            if 0 <= row < h and 0 <= column < w:
                total += float(x[b, row, column, c]) * float(weight[i, j, c, o])
        y[b, r, s, o] = total
    return y


def conv_transpose2d(x, weight, bias, stride, padding):
    """`padding` is (vertical, horizontal)."""
    n, h, w, c_in = x.shape
    kh, kw, _, c_out = weight.shape
    out_h = (h - 1) * stride[0] + kh - 2 * padding[0]
    out_w = (w - 1) * stride[1] + kw - 2 * padding[1]
    y = np.zeros((n, out_h, out_w, c_out))
    if bias is not None:
        y += bias
    for b, r, s, c, i, j, o in itertools.product(*map(range, (n, h, w, c_in, kh, kw, c_out))):
        row, column = r * stride[0] + i - padding[0], s * stride[1] + j - padding[1]
        if 0 <= row < out_h and 0 <= column < out_w:
            y[b, row, column, o] += float(x[b, r, s, c]) * float(weight[i, j, c, o])
    return y


def pool(x, kernel_size, stride, padding, reduce):
    """`reduce` maps the list of the window's pixels that are in the image, and their number with padding, to a value."""
    n, h, w, channels = x.shape
    (kh, kw), (sh, sw), (ph, pw) = kernel_size, stride, padding
    y = np.zeros((n, (h + 2 * ph - kh) // sh + 1, (w + 2 * pw - kw) // sw + 1, channels))
    for b, r, s, c in np.ndindex(y.shape):
        inside = [
            float(x[b, r * sh + i - ph, s * sw + j - pw, c])
            for i in range(kh)
            for j in range(kw)
            if 0 <= r * sh + i - ph < h and 0 <= s * sw + j - pw < w
        ]
        y[b, r, s, c] = reduce(inside, kh * kw)
    return y


def max_pool2d_gradient(grad_output, x, kernel_size, stride, padding):
    """Each window's gradient goes to its first largest pixel."""
    (kh, kw), (sh, sw), (ph, pw) = kernel_size, stride, padding
    grad = np.zeros(x.shape)
    for b, r, s, c in np.ndindex(grad_output.shape):
        best = None
        for i, j in np.ndindex(kh, kw):
            row, column = r * sh + i - ph, s * sw + j - pw
            if 0 <= row < x.shape[1] and 0 <= column < x.shape[2]:
                value = x[b, row, column, c]
                if best is None or value > best[0]:
                    best = value, row, column
        grad[b, best[1], best[2], c] += grad_output[b, r, s, c]
    return grad


def elementwise(function, x):
    y = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        y[index] = function(float(x[index]))
    return y


def sigmoid(x):
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


def softmax(x, axis):
    y = np.zeros(x.shape)
    rest = [range(n) for k, n in enumerate(x.shape) if k != axis % x.ndim]
    for others in itertools.product(*rest):
        index = list(others)
        index.insert(axis % x.ndim, slice(None))
        scores = [float(v) for v in x[tuple(index)]]
        powers = [math.exp(v - max(scores)) for v in scores]
        y[tuple(index)] = [p / sum(powers) for p in powers]
    return y


def linear(x, weight, bias):
    y = np.zeros((*x.shape[:-1], weight.shape[1]))
    for index in np.ndindex(y.shape):
        total = 0.0 if bias is None else float(bias[index[-1]])
        for k in range(weight.shape[0]):
            total += float(x[(*index[:-1], k)]) * float(weight[k, index[-1]])
        y[index] = total
    return y


def concat(arrays, axis):
    axis %= arrays[0].ndim
    shape = list(arrays[0].shape)
    shape[axis] = sum(a.shape[axis] for a in arrays)
    y = np.zeros(shape)
    for index in np.ndindex(*shape):
        place, k = index[axis], 0
        while place >= arrays[k].shape[axis]:
            place -= arrays[k].shape[axis]
            k += 1
        y[index] = arrays[k][(*index[:axis], place, *index[axis + 1 :])]
    return y


def upsample2d(x, scale):
    n, h, w, channels = x.shape
    y = np.zeros((n, h * scale[0], w * scale[1], channels))
    for b, r, s, c in np.ndindex(y.shape):
        y[b, r, s, c] = x[b, r // scale[0], s // scale[1], c]
    return y


def mean_over_elements(function, p, target, weight=None):
    """The mean of weight * function(prediction, target)."""
    total = 0.0
    for index in np.ndindex(p.shape):
        total += function(float(p[index]), float(target[index])) * (1.0 if weight is None else float(weight[index]))
    return total / p.size


def binary_cross_entropy(p, t):
    log_p = max(math.log(p), -100.0) if p > 0 else -100.0
    log_q = max(math.log(1 - p), -100.0) if p < 1 else -100.0
    return -(t * log_p + (1 - t) * log_q)


def cross_entropy(logits, labels):
    total, count = 0.0, 0
    for index in np.ndindex(labels.shape):
        scores = [float(v) for v in logits[index]]
        top = max(scores)
        total += math.log(sum(math.exp(v - top) for v in scores)) + top - scores[int(labels[index])]
        count += 1
    return total / count


def dice_loss(logits, target):
    """1 - mean over images of (2 sum(p t) + 1) / (sum p + sum t + 1)."""
    scores = []
    for image, mask in zip(logits, target, strict=True):
        products = predictions = truths = 0.0
        for index in np.ndindex(np.shape(image)):
            p = sigmoid(float(image[index]))
            products += p * float(mask[index])
            predictions += p
            truths += float(mask[index])
        scores.append((2 * products + 1) / (predictions + truths + 1))
    return 1 - sum(scores) / len(scores)
