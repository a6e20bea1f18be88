"""The host shim: right kernels give right values under both schedules, and each planted mistake is noticed."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.cuda_on_cpu.checks import needs_compiler
from tests.cuda_on_cpu.device_checks.rounding import from_bf16, to_bf16
from tests.cuda_on_cpu.shim.build import build, sanitizer_library
from tests.cuda_on_cpu.shim.host_launcher import EAGER, LAZY, SCHEDULES, KernelFault, Library

pytestmark = [pytest.mark.ci, needs_compiler]

SOURCE = Path(__file__).parent / "device_checks" / "instructions.cu"
BUGS = ["NONE", "NO_BARRIER", "WAIT_OFF_BY_ONE", "WRONG_ROW", "UNWRITTEN", "EARLY_REFILL", "EARLY_RETURN", "MISALIGNED"]
INSTANCES = [
    *(f"reverse<{bug}>" for bug in ("NONE", "NO_BARRIER", "UNWRITTEN", "EARLY_RETURN", "BEYOND_THE_END")),
    *(f"ring<{bug}>" for bug in ("NONE", "WAIT_OFF_BY_ONE", "EARLY_REFILL", "MISALIGNED")),
    *(f"{name}<{bug}>" for name in ("product_bf16", "product_tf32") for bug in ("NONE", "WRONG_ROW")),
    "warp_sums",
]


@pytest.fixture(scope="module", params=[pytest.param(s, id=name) for name, s in SCHEDULES.items()])
def launch(request):
    library = Library(build(SOURCE, INSTANCES), INSTANCES)

    def run(instance, grid, block, shared, *values):
        boxed = [ctypes.c_void_p(v.ctypes.data) if isinstance(v, np.ndarray) else ctypes.c_int(v) for v in values]
        library.launch(instance, (grid, 1, 1), (block, 1, 1), shared, boxed, request.param)

    run.schedule = request.param
    return run


def reversed_blocks(launch, bug):
    x = np.arange(1, 193, dtype=np.float32)
    y = np.full_like(x, np.nan)
    launch(f"reverse<{bug}>", 3, 64, 256, x, y)
    return np.array_equal(y, x.reshape(3, 64)[:, ::-1].reshape(-1))


def ring_sums(launch, bug, threads=64, rounds=7):
    x = np.random.default_rng(0).integers(1, 100, (rounds, threads, 4)).astype(np.float32)
    y = np.full(threads, np.nan, np.float32)
    launch(f"ring<{bug}>", 1, threads, 3 * threads * 16, x, y, rounds)
    x[:, 7] = 0  # the copy that was not valid
    return np.array_equal(y, np.roll(x.sum(axis=(0, 2)), -1))


def test_right_kernels(launch):
    assert reversed_blocks(launch, "NONE")
    assert ring_sums(launch, "NONE")


def test_missing_barrier(launch):
    assert not reversed_blocks(launch, "NO_BARRIER")


def test_read_of_unwritten_shared_memory(launch):
    assert not reversed_blocks(launch, "UNWRITTEN")


def test_early_return_is_a_deadlock(launch):
    with pytest.raises(KernelFault, match="deadlock: 1 threads ended, 63 wait at __syncthreads"):
        reversed_blocks(launch, "EARLY_RETURN")


def test_wait_off_by_one(launch):
    """Only copies that arrive late show it, which is why there are two schedules."""
    assert ring_sums(launch, "WAIT_OFF_BY_ONE") == (launch.schedule == EAGER)


def test_buffer_refilled_too_early(launch):
    """Only copies that arrive at once show it."""
    assert ring_sums(launch, "EARLY_REFILL") == (launch.schedule == LAZY)


def test_misaligned_copy(launch):
    with pytest.raises(KernelFault, match="misaligned"):
        ring_sums(launch, "MISALIGNED")


@pytest.mark.parametrize("bug", ["NONE", "WRONG_ROW"])
def test_bf16_product(launch, bug):
    rng = np.random.default_rng(1)
    a, b = (to_bf16(rng.standard_normal(shape).astype(np.float32)) for shape in ((16, 16), (16, 8)))
    y = np.full((16, 8), np.nan, np.float32)
    launch(f"product_bf16<{bug}>", 1, 32, 768, a, b, y)
    exact = from_bf16(a).astype(np.float64) @ from_bf16(b)
    assert np.allclose(y, exact, rtol=1e-5, atol=1e-5) == (bug == "NONE")


@pytest.mark.parametrize("bug", ["NONE", "WRONG_ROW"])
def test_tf32_product(launch, bug):
    rng = np.random.default_rng(2)
    a, b = (rng.standard_normal(shape).astype(np.float32) for shape in ((16, 8), (8, 8)))
    y = np.full((16, 8), np.nan, np.float32)
    launch(f"product_tf32<{bug}>", 1, 32, 512, a, b, y)
    assert np.allclose(y, a.astype(np.float64) @ b, rtol=0, atol=8e-3) == (bug == "NONE")
    if bug == "NONE":
        assert np.abs(y - a.astype(np.float64) @ b).max() > 1e-6  # it is tf32, not float32


def test_shuffles_and_rounding(launch):
    rng = np.random.default_rng(3)
    x, y = rng.integers(0, 1000, 32).astype(np.float64), np.full(32, np.nan)
    pair = rng.standard_normal((32, 2)).astype(np.float32)
    pair[0] = 1 + 2**-8, 1 + 3 * 2**-8  # both halfway: ties go to the even mantissa
    pair[1] = np.nan, np.inf
    packed = np.zeros(32, np.uint32)
    launch("warp_sums", 1, 32, 0, x, y, pair, packed)
    expected = np.full(32, x.sum() + 100 * x[3])
    expected[0] += x.sum()
    assert np.array_equal(y, expected)
    assert packed[0] == 0x3F80 | 0x3F82 << 16
    assert packed[1] == 0x7FFF | 0x7F80 << 16
    words = to_bf16(pair[2:]).astype(np.uint32)
    assert np.array_equal(packed[2:], words[:, 0] | words[:, 1] << 16)


def test_a_short_warp_cannot_shuffle(launch):
    with pytest.raises(KernelFault, match="fewer than 32 threads"):
        launch("warp_sums", 1, 16, 0, np.zeros(32), np.zeros(32), np.zeros(64, np.float32), np.zeros(32, np.uint32))


def sanitized(preload, *arguments):
    """Python with AddressSanitizer loaded first."""
    roots = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]
    environment = {**os.environ, "LD_PRELOAD": preload, "ASAN_OPTIONS": "detect_leaks=0", "PYTHONPATH": ":".join(roots)}
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("bug", ["NONE", "BEYOND_THE_END"])
def test_read_beyond_an_array(bug):
    """AddressSanitizer stops at the access; in a process of its own, because it must be loaded first."""
    preload = sanitizer_library()
    if preload is None:
        pytest.skip("g++ has no AddressSanitizer")
    library = build(SOURCE, [f"reverse<{bug}>"], sanitize=True)
    code = (
        "import ctypes, sys, numpy as np; from tests.cuda_on_cpu.shim.host_launcher import Library\n"
        "x, y = np.arange(192, dtype=np.float32), np.zeros(192, np.float32)\n"
        f"library = Library({str(library)!r}, ['reverse<{bug}>'])\n"
        "values = [ctypes.c_void_p(a.ctypes.data) for a in (x, y)]\n"
        f"library.launch('reverse<{bug}>', (3, 1, 1), (64, 1, 1), 256, values, 0); print('finished')\n"
    )
    done = sanitized(preload, "-c", code)
    if bug == "NONE":
        assert done.returncode == 0 and "finished" in done.stdout, done.stderr[-2000:]
    else:
        assert done.returncode != 0 and "heap-buffer-overflow" in done.stderr, done.stderr[-2000:]


@pytest.mark.parametrize("schedule", list(SCHEDULES))
def test_kernels_stay_inside_their_arrays(schedule):
    """Every kernel of a training step, at sizes that no tile divides, under AddressSanitizer."""
    preload = sanitizer_library()
    if preload is None:
        pytest.skip("g++ has no AddressSanitizer")
    done = sanitized(preload, "-m", "tests.cuda_on_cpu.sanitized", schedule)
    assert done.returncode == 0 and "clean" in done.stdout, done.stderr[-3000:]
