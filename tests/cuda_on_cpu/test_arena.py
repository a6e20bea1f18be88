"""The arena: places that never overlap, handed out again once they are given back."""

from __future__ import annotations

import numpy as np
import pytest

from minunet.kernels.cuda.arena import ALIGNMENT, Arena
from tests.cuda_on_cpu.host import HostLauncher


def test_arena_hands_out_again_what_was_given_back():
    arena = Arena(HostLauncher())
    a, b, c = (arena.take((n,), np.uint8) for n in (300, 10, 256))
    assert [p.offset for p in (a, b, c)] == [0, 2 * ALIGNMENT, 3 * ALIGNMENT]
    arena.give(a, b)
    assert arena.take((700,), np.uint8).offset == 0  # both together
    arena.give(c)
    assert arena.take((2000,), np.uint8).offset == 3 * ALIGNMENT  # the last place only grows
    d = arena.take((1,), np.uint8)
    arena.give(d)
    with pytest.raises(ValueError, match="given back before"):
        arena.give(d)


def test_arena_hands_out_the_smallest_place_that_fits():
    """A small array leaves the large place whole for a large one."""
    arena = Arena(HostLauncher())
    large, _, small, _ = (arena.take((n * ALIGNMENT,), np.uint8) for n in (4, 1, 2, 1))
    arena.give(large, small)
    before = arena.bytes
    assert arena.take((ALIGNMENT,), np.uint8).offset == small.offset
    assert arena.take((4 * ALIGNMENT,), np.uint8).offset == large.offset
    assert arena.bytes == before


def test_arena_places_never_overlap():
    rng = np.random.default_rng(4)
    arena, alive = Arena(HostLauncher()), []
    for _ in range(400):
        if alive and rng.random() < 0.48:
            arena.give(alive.pop(rng.integers(len(alive))))
        else:
            alive.append(arena.take((int(rng.integers(1, 5000)),), np.float32))
        spans = sorted((p.offset, p.offset + p.nbytes) for p in alive)
        assert all(end <= start for (_, end), (start, _) in zip(spans, spans[1:], strict=False))
        assert not spans or spans[-1][1] <= arena.bytes
    arena.give(*alive)
    assert arena.taken == 0


def test_arena_refuses_more_than_was_laid_out():
    arena = Arena(HostLauncher())
    arena.give(arena.take((1000,), np.float32))
    arena.settle()
    arena.give(arena.take((1000,), np.float32))
    with pytest.raises(RuntimeError, match="more from its arena"):
        arena.take((2000,), np.float32)
