"""Winograd's convolution in one dimension: BLAS on one thread, and no trace of what was in scratch memory."""

import numpy as np
import pytest

from minunet.kernels import primitives
from minunet.kernels.cpu import blas, threads
from minunet.kernels.cpu import scratch as scratch_module
from minunet.kernels.cpu.scratch import scratch
from minunet.kernels.cpu.winograd import one_dimensional

SAME = ((1, 1), (1, 1))


def test_every_product_holds_the_blas_to_one_thread(monkeypatch):
    """Threads of the BLAS, once awake, compete with ours for about 20 ms, which no result would show."""
    held = []

    class Watched:
        def __getattr__(self, name):
            return getattr(np, name)

        def matmul(self, *args, **kwargs):
            held.append(blas.single_threaded_blas.is_held())
            return np.matmul(*args, **kwargs)

    monkeypatch.setattr(one_dimensional, "np", Watched())
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal((1, 12, 10, 4)), rng.standard_normal((3, 3, 4, 5))
    y = one_dimensional.conv2d((x,), weight, None, (1, 1), SAME, None)
    grads = one_dimensional.conv2d_grads(y, (x,), weight, None, (1, 1), SAME, ((True,), True, True))
    assert held == [True] * 3
    expected = primitives.conv2d_grads.reference(y, (x,), weight, None, (1, 1), SAME, ((True,), True, True))
    np.testing.assert_allclose(grads[1], expected[1], rtol=1e-9)


@pytest.mark.parametrize("width", [9, 10, 11])
def test_the_former_content_of_scratch_memory_does_not_matter(width, monkeypatch):
    monkeypatch.setattr(threads, "_num_threads", 1)
    rng = np.random.default_rng(width)
    x, weight = rng.standard_normal((2, 13, width, 4)), rng.standard_normal((3, 3, 4, 5))
    bias = rng.standard_normal(5)

    def results():
        y = one_dimensional.conv2d((x,), weight, bias, (1, 1), SAME, "relu")
        (grad_x,), grad_weight, grad_bias = one_dimensional.conv2d_grads(
            y, (x,), weight, y, (1, 1), SAME, ((True,), True, True)
        )
        return y, grad_x, grad_weight, grad_bias

    expected = results()
    with scratch():
        pass  # the arena grows to its peak
    scratch_module._arena.memory[:] = 0xFF  # every value is NaN
    for actual, before in zip(results(), expected, strict=True):
        np.testing.assert_array_equal(actual, before)
