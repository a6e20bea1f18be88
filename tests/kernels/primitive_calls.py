"""Random arguments for every primitive, and the comparison of a candidate's result with the reference's."""

import copy

import numpy as np

from minunet.kernels import primitives

TOLERANCE = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-10}


class Draw:
    """Shapes and values from one generator."""

    def __init__(self, seed, dtype):
        self.rng, self.dtype = np.random.default_rng(seed), np.dtype(dtype)

    def whole(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def pair(self, low, high):
        return self.whole(low, high), self.whole(low, high)

    def flag(self):
        return bool(self.rng.integers(2))

    def array(self, *shape):
        return self.rng.standard_normal(shape).astype(self.dtype)

    def channels(self):
        """Mostly small and odd, sometimes a multiple of 8 for vectorised paths."""
        return int(self.rng.choice([1, 2, 3, 5, 7, 8, 16, 24]))

    def image_size(self, kernel, padding=((0, 0), (0, 0))):
        """A height and width of at least one window, rarely a multiple of anything."""
        return tuple(max(k - sum(p), 1) + self.whole(0, 12) for k, p in zip(kernel, padding, strict=True))


def conv2d(draw):
    kernel = (3, 3) if draw.flag() else draw.pair(1, 4)
    stride = (1, 1) if draw.flag() else draw.pair(1, 3)
    padding = draw.pair(0, 2), draw.pair(0, 2)
    size, n = draw.image_size(kernel, padding), draw.whole(1, 3)
    xs = tuple(draw.array(n, *size, draw.channels()) for _ in range(draw.whole(1, 3)))
    weight = draw.array(*kernel, sum(x.shape[3] for x in xs), draw.channels())
    bias = draw.array(weight.shape[3]) if draw.flag() else None
    return xs, weight, bias, stride, padding, "relu" if draw.flag() else None


def conv2d_grads(draw):
    xs, weight, bias, stride, padding, activation = args = conv2d(draw)
    y = primitives.conv2d.reference(*args)
    needs = (tuple(draw.rng.choice([False, True, primitives.OVERWRITE]) for _ in xs), draw.flag(), draw.flag())
    needs = (tuple(int(n) if n == primitives.OVERWRITE else bool(n) for n in needs[0]), *needs[1:])
    output = None if activation is None else y > 0 if draw.flag() else y
    return draw.array(*y.shape), xs, weight, output, stride, padding, needs


def conv_transpose2d(draw):
    kernel = (2, 2) if draw.flag() else draw.pair(1, 4)
    stride = (2, 2) if draw.flag() else draw.pair(1, 3)
    padding = tuple(draw.whole(0, (k - 1) // 2) for k in kernel)
    x = draw.array(draw.whole(1, 3), draw.whole(1, 9), draw.whole(1, 9), draw.channels())
    weight = draw.array(*kernel, x.shape[3], draw.channels())
    return x, weight, draw.array(weight.shape[3]) if draw.flag() else None, stride, padding


def conv_transpose2d_grads(draw):
    x, weight, _, stride, padding = args = conv_transpose2d(draw)
    y = primitives.conv_transpose2d.reference(*args)
    return draw.array(*y.shape), x, weight, stride, padding, (draw.flag(), draw.flag(), draw.flag())


def pool(draw):
    kernel, stride = ((2, 2), (2, 2)) if draw.flag() else (draw.pair(1, 4), draw.pair(1, 4))
    padding = (0, 0) if draw.flag() else tuple(draw.whole(0, k - 1) for k in kernel)
    x = draw.array(draw.whole(1, 3), *draw.image_size(kernel), draw.channels())
    if draw.flag():
        x = np.round(2 * x)  # ties
    return x, kernel, stride, padding


def max_pool2d_grad(draw):
    x, *window = pool(draw)
    y, argmax = primitives.max_pool2d.reference(x, *window)
    return draw.array(*y.shape), argmax, x.shape, *window


def sum_pool2d_grad(draw):
    x, *window = pool(draw)
    y = primitives.sum_pool2d.reference(x, *window)
    return draw.array(*y.shape), x.shape, *window


def some(draw):
    return draw.array(*(draw.whole(1, 9) for _ in range(draw.whole(0, 5))))


def gradient_of(name):
    def draw_arguments(draw):
        x = some(draw)
        y = np.asarray(getattr(primitives, name).reference(x))
        return draw.array(*x.shape), y

    return draw_arguments


def softmax(draw):
    x = draw.array(*(draw.whole(1, 9) for _ in range(draw.whole(1, 4))))
    return x, draw.whole(-x.ndim, x.ndim - 1)


def softmax_grad(draw):
    x, axis = softmax(draw)
    return draw.array(*x.shape), primitives.softmax.reference(x, axis), axis


def bce_with_logits(draw):
    logits = some(draw)
    target = draw.rng.random(logits.shape).astype(draw.dtype)
    return 5 * logits, target, np.abs(draw.array(*logits.shape)) if draw.flag() else None


def bce_with_logits_grad(draw):
    return np.asarray(draw.array()), *bce_with_logits(draw)


def matmul(draw):
    length, lead = draw.whole(1, 9), [draw.whole(1, 4) for _ in range(draw.whole(0, 2))]
    if draw.flag():
        length *= 50_000  # sums that are cut, in some of the calls
    a = draw.array(*lead, draw.whole(1, 9), length) if draw.flag() else draw.array(length)
    few = [1 if draw.flag() else n for n in lead] if draw.flag() else []
    return a, draw.array(*few, length, draw.whole(1, 9)) if draw.flag() else draw.array(length)


def adam(draw):
    shapes = [tuple(draw.whole(1, 7) for _ in range(draw.whole(0, 4))) for _ in range(draw.whole(1, 4))]
    params, grads, exp_avgs = ([draw.array(*shape) for shape in shapes] for _ in range(3))
    params, grads, exp_avgs = ([np.asarray(a) for a in group] for group in (params, grads, exp_avgs))
    exp_avg_sqs = [np.asarray(draw.array(*shape) ** 2) for shape in shapes]
    return params, grads, exp_avgs, exp_avg_sqs, draw.whole(1, 50), 1e-3, (0.9, 0.999), 1e-8, 0.1 * draw.whole(0, 1)


CALLS = {
    "conv2d": conv2d,
    "conv2d_grads": conv2d_grads,
    "conv_transpose2d": conv_transpose2d,
    "conv_transpose2d_grads": conv_transpose2d_grads,
    "max_pool2d": pool,
    "max_pool2d_values": pool,
    "max_pool2d_grad": max_pool2d_grad,
    "sum_pool2d": pool,
    "sum_pool2d_grad": sum_pool2d_grad,
    "relu": lambda draw: (some(draw),),
    "relu_grad": gradient_of("relu"),
    "is_positive": lambda draw: (some(draw),),
    "tanh": lambda draw: (some(draw),),
    "tanh_grad": gradient_of("tanh"),
    "sigmoid": lambda draw: (some(draw),),
    "sigmoid_grad": gradient_of("sigmoid"),
    "softmax": softmax,
    "softmax_grad": softmax_grad,
    "bce_with_logits": bce_with_logits,
    "bce_with_logits_grad": bce_with_logits_grad,
    "matmul": matmul,
    "adam": adam,
}


def flat(value):
    """A list of the arrays in a result or in arguments, with None where one is absent."""
    if isinstance(value, (tuple, list)):
        return [array for part in value for array in flat(part)]
    return [value] if value is None or isinstance(value, (np.ndarray, np.generic)) else []


def overwritten(name, args):
    """The arguments over which a result may be written."""
    if name != "conv2d_grads":
        return []
    return [x for x, needed in zip(args[1], args[6][0], strict=True) if needed == primitives.OVERWRITE]


def compare(name, candidate, args, dtype):
    """Compare one candidate with the reference: values, shapes, dtypes, and that arguments are not overwritten."""
    theirs, ours = copy.deepcopy(args), copy.deepcopy(args)
    expected, found = getattr(primitives, name).reference(*theirs), candidate.run(*ours)
    if name == "adam":
        assert found is None
        expected, found = theirs, ours  # updated in place, all but the gradients
        untouched = flat(args[1]), flat(ours[1])
    else:
        may_change = overwritten(name, ours)
        untouched = flat(args), flat(ours)
        for k, argument in enumerate(untouched[1]):
            if any(argument is array for array in may_change):
                untouched[0][k] = untouched[1][k] = None
        for result in flat(found):
            if any(result is array for array in may_change):
                continue
            assert result is None or not any(a is not None and np.shares_memory(result, a) for a in flat(ours))
    for before, after in zip(*untouched, strict=True):
        np.testing.assert_array_equal(before, after, err_msg="an argument was overwritten")
    expected, found = flat(expected), flat(found)
    assert [None if a is None else (np.shape(a), np.asarray(a).dtype) for a in found] == [
        None if a is None else (np.shape(a), np.asarray(a).dtype) for a in expected
    ]
    for right, answer in zip(expected, found, strict=True):
        if right is not None and np.issubdtype(np.asarray(right).dtype, np.floating):
            scale = max(1.0, float(np.abs(right).max(initial=0)))
            np.testing.assert_allclose(answer, right, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * scale)
            assert np.asarray(answer).flags.c_contiguous
        elif right is not None:
            np.testing.assert_array_equal(answer, right)
