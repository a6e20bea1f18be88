"""The arena: buffers never overlap, and the memory of freed ones is used again."""

from __future__ import annotations

import numpy as np
import pytest

from minunet.kernels.cuda.arena import ALIGNMENT, Arena
from tests.cuda_on_cpu.shim.host_launcher import HostLauncher


def test_freed_memory_is_allocated_again():
    arena = Arena(HostLauncher())
    a, b, c = (arena.alloc((n,), np.uint8) for n in (300, 10, 256))
    assert [p.offset for p in (a, b, c)] == [0, 2 * ALIGNMENT, 3 * ALIGNMENT]
    arena.free(a, b)
    assert arena.alloc((700,), np.uint8).offset == 0  # both together
    arena.free(c)
    assert arena.alloc((2000,), np.uint8).offset == 3 * ALIGNMENT  # the last range only grows
    d = arena.alloc((1,), np.uint8)
    arena.free(d)
    with pytest.raises(ValueError, match="freed before"):
        arena.free(d)


def test_the_smallest_free_range_that_fits_is_used():
    """A small buffer leaves the large range free for a large one."""
    arena = Arena(HostLauncher())
    large, _, small, _ = (arena.alloc((n * ALIGNMENT,), np.uint8) for n in (4, 1, 2, 1))
    arena.free(large, small)
    before = arena.nbytes
    assert arena.alloc((ALIGNMENT,), np.uint8).offset == small.offset
    assert arena.alloc((4 * ALIGNMENT,), np.uint8).offset == large.offset
    assert arena.nbytes == before


def test_buffers_never_overlap():
    rng = np.random.default_rng(4)
    arena, live = Arena(HostLauncher()), []
    for _ in range(400):
        if live and rng.random() < 0.48:
            arena.free(live.pop(rng.integers(len(live))))
        else:
            live.append(arena.alloc((int(rng.integers(1, 5000)),), np.float32))
        spans = sorted((p.offset, p.offset + p.nbytes) for p in live)
        assert all(end <= start for (_, end), (start, _) in zip(spans, spans[1:], strict=False))
        assert not spans or spans[-1][1] <= arena.nbytes
    arena.free(*live)
    assert arena.allocated == 0


def test_more_memory_than_in_the_dry_run_is_refused():
    arena = Arena(HostLauncher())
    arena.free(arena.alloc((1000,), np.float32))
    arena.commit()
    arena.free(arena.alloc((1000,), np.float32))
    with pytest.raises(RuntimeError, match="more from its arena"):
        arena.alloc((2000,), np.float32)
