"""Chains of calls: places in their memory, and which arrays they may be given."""

import numpy as np
import pytest

from minunet.kernels import primitives
from minunet.kernels.cpu import call_chain, chain_memory

PADDING = ((1, 1), (1, 1))


@pytest.fixture
def memory(monkeypatch):
    monkeypatch.setattr(chain_memory, "_own", chain_memory._OfThread())
    return chain_memory.chain_memory()


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def convolution(x, weight):
    return primitives.conv2d((x,), weight, None, (1, 1), PADDING, "relu")


def test_arrays_share_no_memory_until_they_are_gone(memory):
    first, second = memory.empty((10, 3), np.float32), memory.empty((7,), np.float64)
    third = memory.empty((0, 5), np.float32)
    assert first.shape == (10, 3) and second.dtype == np.float64 and third.size == 0
    assert not np.shares_memory(first, second)
    assert np.shares_memory(first, memory.whole) and first.ctypes.data % 64 == second.ctypes.data % 64 == 0
    address, part = first.ctypes.data, first[2:]
    del first
    assert memory.empty((10, 3), np.float32).ctypes.data != address  # a part of it is in use
    del part
    assert memory.empty((10, 3), np.float32).ctypes.data == address
    with pytest.raises(chain_memory.CannotChain):
        memory.empty((chain_memory.MEMORY,), np.uint8)


def test_a_chain_computes_the_same_of_other_values(memory, rng):
    weight = rng.standard_normal((3, 3, 16, 16)).astype(np.float32)
    x = memory.empty((2, 8, 8, 16), np.float32)
    x[...] = rng.standard_normal(x.shape)
    for _ in range(4):
        convolution(x, weight)
    recorder = call_chain.ChainRecorder(memory, [weight])
    made = []

    def compute(x):
        made.append(convolution(convolution(x, weight), weight))

    recorder.record(compute, x)
    output, new = recorder.fixed(made[0]), made.pop()
    chain = recorder.chain([new])
    recorder.check()
    fixed = recorder.fixed(x)
    del x, new
    kept = []
    for _ in range(3):
        values = rng.standard_normal(fixed.shape).astype(np.float32)
        np.copyto(fixed, values)
        (result,) = chain.run()
        assert not np.shares_memory(result, output)
        kept.append((result, convolution(convolution(values, weight), weight)))
    for result, right in kept:
        assert result.tobytes() == right.tobytes()


def test_arrays_from_elsewhere_are_refused(memory, rng):
    weight = rng.standard_normal((3, 3, 16, 16)).astype(np.float32)
    x = rng.standard_normal((2, 8, 8, 16)).astype(np.float32)
    recorder = call_chain.ChainRecorder(memory, [weight])
    recorder.record(convolution, x, weight)
    with pytest.raises(chain_memory.CannotChain):
        recorder.chain()
    with pytest.raises(chain_memory.CannotChain):  # nothing of it was recorded before
        recorder.check()
