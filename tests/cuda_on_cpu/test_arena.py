"""The arena: places that never overlap, handed out again once they are given back."""

from __future__ import annotations

import numpy as np
import pytest

from minunet.kernels.cuda.arena import ALIGNMENT, Arena
from tests.cuda_on_cpu.shim.host_launcher import HostLauncher


def test_arena_hands_out_again_what_was_given_back():
    arena = Arena(HostLauncher())
    a, b, c = (arena.alloc((n,), np.uint8) for n in (300, 10, 256))
    assert [p.offset for p in (a, b, c)] == [0, 2 * ALIGNMENT, 3 * ALIGNMENT]
    arena.free(a, b)
    assert arena.alloc((700,), np.uint8).offset == 0  # both together
    arena.free(c)
    assert arena.alloc((2000,), np.uint8).offset == 3 * ALIGNMENT  # the last place only grows
    d = arena.alloc((1,), np.uint8)
    arena.free(d)
    with pytest.raises(ValueError, match="freed before"):
        arena.free(d)


def test_arena_hands_out_the_smallest_place_that_fits():
    """A small array leaves the large place whole for a large one."""
    arena = Arena(HostLauncher())
    large, _, small, _ = (arena.alloc((n * ALIGNMENT,), np.uint8) for n in (4, 1, 2, 1))
    arena.free(large, small)
    before = arena.nbytes
    assert arena.alloc((ALIGNMENT,), np.uint8).offset == small.offset
    assert arena.alloc((4 * ALIGNMENT,), np.uint8).offset == large.offset
    assert arena.nbytes == before


def test_arena_places_never_overlap():
    rng = np.random.default_rng(4)
    arena, alive = Arena(HostLauncher()), []
    for _ in range(400):
        if alive and rng.random() < 0.48:
            arena.free(alive.pop(rng.integers(len(alive))))
        else:
            alive.append(arena.alloc((int(rng.integers(1, 5000)),), np.float32))
        spans = sorted((p.offset, p.offset + p.nbytes) for p in alive)
        assert all(end <= start for (_, end), (start, _) in zip(spans, spans[1:], strict=False))
        assert not spans or spans[-1][1] <= arena.nbytes
    arena.free(*alive)
    assert arena.allocated == 0


def test_arena_refuses_more_than_was_laid_out():
    arena = Arena(HostLauncher())
    arena.free(arena.alloc((1000,), np.float32))
    arena.commit()
    arena.free(arena.alloc((1000,), np.float32))
    with pytest.raises(RuntimeError, match="more from its arena"):
        arena.alloc((2000,), np.float32)
