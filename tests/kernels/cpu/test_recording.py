"""Recordings: made again for other arrays they give the bits of the kernel itself, and change nothing that was returned before."""

import copy
import threading

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minunet.kernels import dispatch
from minunet.kernels.cpu import memory_pool, recording, scratch, threads
from minunet.kernels.cpu.blas import single_threaded_blas
from tests.kernels.cpu.interrupted import interrupt
from tests.kernels.primitive_calls import CALLS, Draw

NAMES = [
    name for name, primitive in dispatch.primitives().items() if any(c.run_by_key for c in primitive.all_candidates())
]
PADDING = ((1, 1), (1, 1))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def other_values(value, rng):
    """The same shapes with other numbers. Where there are indices, they stay."""
    if isinstance(value, np.ndarray):
        return value.copy() if value.dtype.kind == "u" else rng.standard_normal(value.shape).astype(value.dtype)
    if isinstance(value, tuple):
        return tuple(other_values(part, rng) for part in value)
    return value


def flat(result):
    if isinstance(result, tuple):
        return [array for part in result for array in flat(part)]
    return [] if result is None else [result]


def in_another_thread(function, *args):
    """What a thread that has recorded nothing computes."""
    made = []
    thread = threading.Thread(target=lambda: made.append(function(*args)))
    thread.start()
    thread.join()
    return made[0]


def replays():
    return [known for known in recording._own.recordings.values() if isinstance(known, recording.Recording)]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), dtype=st.sampled_from([np.dtype(np.float32), np.dtype(np.float64)]))
def test_a_recording_computes_the_bits_of_the_kernel(name, seed, dtype):
    draw = Draw(seed, dtype)
    args = CALLS[name](draw)
    for candidate in dispatch.primitives()[name].candidates(*args):
        if candidate.run_by_key is None:
            continue
        kept = []
        recording._own.recordings.clear()
        for _ in range(recording.SEEN_BEFORE + 4):
            args = other_values(args, draw.rng)
            copied = copy.deepcopy(args)  # a gradient may be written over an argument
            result = candidate.run(*args)
            expected = in_another_thread(candidate.run, *copied)
            kept.append((flat(result), [array.copy() for array in flat(expected)]))
            for arrays, copies in kept:  # also those of the calls before
                for array, right in zip(arrays, copies, strict=True):
                    np.testing.assert_array_equal(array, right, err_msg=candidate.name)
                    assert array.flags.c_contiguous


def convolution(rng, size=12, channels=8):
    x = rng.standard_normal((2, size, size, channels), np.float32)
    return (x,), rng.standard_normal((3, 3, channels, 8), np.float32), np.ones(8, np.float32), (1, 1), PADDING, "relu"


def candidate(name="winograd-4x4"):
    return next(c for c in dispatch.primitives()["conv2d"].all_candidates() if c.name == name)


def test_shapes_that_come_again_and_again_are_recorded(rng):
    for _ in range(recording.SEEN_BEFORE):
        candidate().run(*convolution(rng))
        assert replays() == []
    for _ in range(2):  # the first time the scratch memory may grow
        candidate().run(*convolution(rng))
    candidate().run(*convolution(rng, size=13))
    assert len(replays()) == 1


def test_a_primitive_finds_the_recording(rng, monkeypatch):
    with monkeypatch.context() as patch:  # undone before the block in which no choice is remembered ends
        patch.setattr(dispatch, "_uncached_blocks", 0)
        conv2d = dispatch.primitives()["conv2d"]
        for _ in range(5):
            args = convolution(rng)
            np.testing.assert_array_equal(conv2d(*args), in_another_thread(conv2d, *args))
    assert len(replays()) == 1


@pytest.mark.parametrize("name", ["winograd-4x4", "winograd-6x6", "winograd-6x1", "im2col"])
def test_what_is_zero_is_looked_for_in_each_call(rng, name):
    """A ReLU after a window of zeros lets through the bias only."""
    for filled in (True, True, True, False, True):
        (x,), *rest = convolution(rng)
        if not filled:
            x[:, :8] = 0
        y = candidate(name).run((x,), *rest)
        assert (y[:, 1:6, 1:-1] == 1).all() == (not filled)


def test_infinite_values_in_a_later_call(rng):
    grads = dispatch.primitives()["conv2d_grads"]
    for infinite in (False, False, False, True, False):
        xs, weight, *_ = convolution(rng)
        y = np.maximum(rng.standard_normal((2, 12, 12, 8), np.float32), 0)
        gradient = rng.standard_normal(y.shape, np.float32)
        gradient[y == 0] = np.inf if infinite else 1  # masked by the ReLU
        found = grads(gradient, xs, weight, y, (1, 1), PADDING, ((True,), True, True))
        assert all(np.isfinite(array).all() for array in flat(found))


def test_a_long_call_is_not_recorded(rng, monkeypatch):
    monkeypatch.setattr(recording, "LONGEST", 10.0)
    for _ in range(5):
        candidate().run(*convolution(rng))
    assert replays() == []


def test_a_short_call_has_the_calling_thread_only(rng, monkeypatch):
    invited = []
    monkeypatch.setattr(threads, "_num_threads", 2)
    monkeypatch.setattr(threads._pool, "workers", lambda count: invited.append(count) or [])
    for _ in range(5):
        candidate("im2col").run(*convolution(rng, size=100))
    assert invited == []
    monkeypatch.setattr(recording, "LONGEST", 10.0)
    candidate("im2col").run(*convolution(rng, size=101))
    assert invited


def test_one_array_given_twice_is_not_recorded(rng):
    (x,), _, *rest = convolution(rng)
    weight = rng.standard_normal((3, 3, 16, 8), np.float32)
    for _ in range(4):
        candidate().run((x, x), weight, *rest)
    other = rng.standard_normal(x.shape, np.float32)
    found = candidate().run((x, other), weight, *rest)
    np.testing.assert_array_equal(found, in_another_thread(candidate().run, (x, other), weight, *rest))


def test_where_the_scratch_memory_has_grown_or_is_in_use_there_is_no_replay(rng):
    def check():
        args = convolution(rng)
        np.testing.assert_array_equal(candidate().run(*args), in_another_thread(candidate().run, *args))

    for _ in range(4):
        check()
    (before,) = replays()
    with scratch.scratch() as allocate:
        buffer = allocate((100,), np.float32)
        buffer[...] = 7
        check()
        assert (buffer == 7).all()
        allocate((scratch.scratch_memory().memory.size + 1,), np.uint8)  # more than there is
    with scratch.scratch():
        assert not before.fits()
    check()
    assert replays() != [before]
    check()


def test_two_threads_have_recordings_of_their_own(rng):
    for _ in range(4):
        candidate().run(*convolution(rng))
    first = replays()
    assert in_another_thread(replays) == []
    assert replays() == first


def test_old_recordings_are_dropped(rng, monkeypatch):
    monkeypatch.setattr(recording, "MOST_RECORDINGS", 3)
    for size in range(6, 14):
        candidate().run(*convolution(rng, size))
        assert len(recording._own.recordings) <= 3


def test_a_recording_holds_no_memory_of_the_pool(rng, monkeypatch):
    monkeypatch.setattr(memory_pool, "_POOL", memory_pool.MemoryPool())
    for _ in range(5):
        y = candidate().run(*convolution(rng, size=80))
    assert len(replays()) == 1
    del y
    assert memory_pool.pool().allocated == 0


@pytest.mark.ci
def test_an_exception_at_any_moment_of_a_replay_leaves_everything_whole(rng):
    modules = recording, threads, scratch, memory_pool
    for _ in range(4):
        candidate().run(*convolution(rng))
    args = convolution(rng)
    expected = in_another_thread(candidate().run, *args)
    for moment in range(10_000):
        try:
            if not interrupt(lambda: candidate().run(*args), moment, modules):
                break
        except KeyboardInterrupt:
            assert not single_threaded_blas.is_held()
            assert (scratch.open_scratch(), scratch.scratch_memory().used) == (0, 0)
            assert not recording.is_recording()
            np.testing.assert_array_equal(candidate().run(*args), expected)
    assert moment > 20


def test_an_exception_while_a_recording_is_made_leaves_none(rng):
    modules = recording, threads, scratch, memory_pool
    for moment in range(0, 10_000, 37):
        recording._own.recordings.clear()
        for _ in range(3):  # the scratch memory grows first
            candidate().run(*convolution(rng))
        key = next(iter(recording._own.recordings))
        recording._own.recordings[key] = recording.SEEN_BEFORE
        try:
            if not interrupt(lambda: candidate().run(*convolution(rng)), moment, modules):
                break
        except KeyboardInterrupt:
            assert not recording.is_recording()
            assert scratch.scratch_memory().used == 0
            args = convolution(rng)
            for _ in range(2):
                found = candidate().run(*args)
                np.testing.assert_array_equal(found, in_another_thread(candidate().run, *args))
            assert len(replays()) == 1
    assert moment > 300
