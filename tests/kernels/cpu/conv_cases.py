"""Random calls of the convolution, and the comparison of every candidate with the reference on them."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from minunet.kernels import primitives
from minunet.kernels.dispatch import prefer

PRECISIONS = [(np.float64, 1e-9), (np.float32, 1e-4)]  # type, largest error as a part of the output's scale


@dataclass(frozen=True)
class Case:
    """The sizes of a convolution, and which of its gradients are needed."""

    images: int
    size: tuple[int, int]
    sources: tuple[int, ...]
    out_channels: int
    kernel_size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]]
    relu: bool
    bias: bool
    needs: tuple
    seed: int


ANY_KERNEL = st.tuples(st.integers(1, 5), st.integers(1, 5))
STRIDE_1 = st.just((1, 1))


@st.composite
def cases(draw, kernels=ANY_KERNEL, strides=STRIDE_1, most_padding=2):
    """Sizes 1 to 40, channels 1 to 70 from one or two sources, 1 to 3 images."""
    kernel_size, stride = draw(kernels), draw(strides)
    padding = draw(st.tuples(*[st.tuples(*[st.integers(0, most_padding)] * 2)] * 2))
    smallest = [max(1, k - sum(pad)) for k, pad in zip(kernel_size, padding, strict=True)]
    sources = draw(st.lists(st.integers(1, 35), min_size=1, max_size=2))
    return Case(
        images=draw(st.integers(1, 3)),
        size=(draw(st.integers(smallest[0], 40)), draw(st.integers(smallest[1], 40))),
        sources=tuple(sources),
        out_channels=draw(st.integers(1, 70)),
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        relu=draw(st.booleans()),
        bias=draw(st.booleans()),
        needs=(tuple(draw(st.booleans()) for _ in sources), draw(st.booleans()), draw(st.booleans())),
        seed=draw(st.integers(0, 1000)),
    )


def assert_close(actual, expected, tolerance):
    assert (actual is None) == (expected is None)
    if expected is not None:
        assert actual.dtype == expected.dtype
        assert actual.shape == expected.shape
        assert np.abs(actual - expected).max(initial=0) <= tolerance * max(1.0, np.abs(expected).max(initial=0))


def compare_forward(case, candidate, dtype, tolerance):
    """Hold the candidate's output against the reference's; returns the arguments and the reference's output."""
    rng = np.random.default_rng(case.seed)
    xs = tuple(rng.standard_normal((case.images, *case.size, c)).astype(dtype) for c in case.sources)
    weight = rng.standard_normal((*case.kernel_size, sum(case.sources), case.out_channels)).astype(dtype)
    bias = rng.standard_normal(case.out_channels).astype(dtype) if case.bias else None
    call = (xs, weight, bias, case.stride, case.padding, "relu" if case.relu else None)
    expected = primitives.conv2d.reference(*call)
    with prefer(candidate):
        assert primitives.conv2d.choose(*call).name == candidate
        assert_close(primitives.conv2d(*call), expected, tolerance)
    return xs, weight, expected, rng


def compare_gradients(case, candidate, dtype, tolerance, xs, weight, output, rng):
    """Hold the candidate's gradients against the reference's."""
    grad = rng.standard_normal(output.shape).astype(dtype)
    call = (grad, xs, weight, output if case.relu else None, case.stride, case.padding, case.needs)
    with prefer(candidate):
        assert primitives.conv2d_grads.choose(*call).name == candidate
        grad_xs, *others = primitives.conv2d_grads(*call)
    expected_xs, *expected_others = primitives.conv2d_grads.reference(*call)
    for actual, expected in zip((*grad_xs, *others), (*expected_xs, *expected_others), strict=True):
        assert_close(actual, expected, tolerance)


def all_results(candidate, size, kernel_size, channels, stride, padding):
    """The bytes of everything one layer computes, forward and backward, in float32."""
    rng = np.random.default_rng(3)
    c, o = channels
    x = rng.standard_normal((2, *size, c)).astype(np.float32)
    weight = rng.standard_normal((*kernel_size, c, o)).astype(np.float32)
    bias = rng.standard_normal(o).astype(np.float32)
    with prefer(candidate):
        y = primitives.conv2d((x,), weight, bias, stride, padding, "relu")
        (grad_x,), grad_weight, grad_bias = primitives.conv2d_grads(
            y, (x,), weight, y, stride, padding, ((True,), True, True)
        )
    return [array.tobytes() for array in (y, grad_x, grad_weight, grad_bias)]
