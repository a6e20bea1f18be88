"""A training step after the first ones takes no large array from the system: everything large comes from the pool again."""

import gc
import tracemalloc

import numpy as np
import pytest

import minunet
from minunet import functional as F
from minunet.kernels.cpu import memory_pool, threads
from minunet.kernels.cpu.address_space import are_addresses_free
from minunet.kernels.dry_run import dry_run

BATCH, SIZE, CHANNELS = 2, 256, 8
ACTIVATION = BATCH * SIZE * SIZE * CHANNELS * 4  # bytes of one of the largest arrays: 4 MB
WARM_UP = 3  # steps


def training_step(variant, pooling="max", activation="relu"):
    rng = np.random.default_rng(0)
    image = rng.random((BATCH, SIZE, SIZE, 1), np.float32)
    target = (image > 0.5).astype(np.float32)
    model = minunet.UNet(base_channels=CHANNELS, depth=2, variant=variant, pooling=pooling, activation=activation)
    optimizer = minunet.optim.Adam(model.parameters())

    def step():
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(model(image), target).backward()
        optimizer.step()

    return step


def traced_peak(run):
    """The most bytes alive at once of what `run` allocates (NumPy reports its arrays to tracemalloc)."""
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("variant", "pooling", "activation"),
    [("classic", "max", "relu"), ("paper", "max", "relu"), ("paper", "average", "relu"), ("classic", "sum", "tanh")],
)
def test_a_step_takes_no_large_array_from_the_system(variant, pooling, activation, monkeypatch):
    monkeypatch.setattr(threads, "_num_threads", 1)  # with more, each meets the shapes when chance will have it
    step = training_step(variant, pooling, activation)
    for _ in range(WARM_UP):
        step()
    held = memory_pool.pool().reserved
    assert traced_peak(step) < ACTIVATION / 2
    assert memory_pool.pool().reserved == held


def test_the_first_step_does_take_them():
    """So that the test above could fail: without memory in the pool, the system provides that of every activation."""
    step = training_step("classic")
    gc.collect()
    memory_pool.pool().release()
    before = memory_pool.pool().reserved
    step()
    assert memory_pool.pool().reserved - before > 8 * ACTIVATION


def test_nothing_is_held_once_the_step_is_over():
    """Reference counts free the arrays of a step: no reference cycle keeps one until the garbage collector runs."""
    step = training_step("paper")
    step()
    gc.collect()
    in_use = memory_pool.pool().allocated
    gc.disable()
    try:
        for _ in range(3):
            step()
        assert memory_pool.pool().allocated <= in_use
    finally:
        gc.enable()


def test_a_step_makes_the_system_clear_hardly_any_pages():
    resource = pytest.importorskip("resource", reason="page faults are counted only on Unix")
    step = training_step("paper")
    for _ in range(WARM_UP):
        step()
    faults = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        step()
        faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    assert min(faults) * resource.getpagesize() < ACTIVATION / 4


def test_a_step_holds_little_more_than_what_lives_at_its_peak(monkeypatch):
    """Levels of different size share the same memory; with one block for each size it would be a quarter more."""
    monkeypatch.setattr(threads, "_num_threads", 1)
    model = minunet.UNet(base_channels=CHANNELS, depth=3, variant="classic")
    image = np.random.default_rng(0).random((BATCH, SIZE, SIZE, 1), np.float32)
    with dry_run() as run:
        F.binary_cross_entropy_with_logits(model(image), image).backward()
    model.zero_grad()  # the dry run's arrays were never written
    gc.collect()
    memory_pool.pool().release()
    before = memory_pool.pool().reserved
    F.binary_cross_entropy_with_logits(model(image), image).backward()
    assert memory_pool.pool().reserved - before < 1.1 * run.peak


def test_gradients_take_the_places_of_activations(monkeypatch):
    """The backward pass needs little more than what the forward pass left: two of the largest arrays less than with new arrays."""
    monkeypatch.setattr(threads, "_num_threads", 1)
    monkeypatch.setattr(memory_pool, "_POOL", WatchedPool())
    model = minunet.UNet(base_channels=16, depth=2, variant="classic")
    image = np.random.default_rng(0).random((2, 192, 192, 1), np.float32)
    for _ in range(2):
        model.zero_grad()
        loss = F.binary_cross_entropy_with_logits(model(image), image)
        after_forward = memory_pool.pool().allocated
        loss.backward()
    largest = 2 * 192 * 192 * 16 * 4  # bytes
    assert memory_pool.pool().peak < after_forward + 0.75 * largest


class WatchedPool(memory_pool.MemoryPool):
    """A pool that notes the most bytes that were in use at once."""

    peak = 0

    def _allocate(self, size):
        base = super()._allocate(size)
        blocks = [block for segment in self._segments for block in segment.blocks if block() is not None]
        self.peak = max(self.peak, sum(block.stop - block.start for block in blocks))
        return base


@pytest.mark.parametrize(("variant", "base", "size", "depth"), [("classic", 24, 128, 3), ("paper", 32, 96, 2)])
def test_the_pool_holds_hardly_more_than_what_is_in_use_at_its_peak(variant, base, size, depth, monkeypatch):
    """Arrays of all sizes share one range of addresses; with memory as it is needed it would be 5 to 7 % more."""
    if not are_addresses_free():
        pytest.skip("this system counts addresses before they are used")
    monkeypatch.setattr(threads, "_num_threads", 1)
    monkeypatch.setattr(memory_pool, "_POOL", WatchedPool())
    model = minunet.UNet(base_channels=base, depth=depth, variant=variant)
    image = np.random.default_rng(0).random((2, size, size, 1), np.float32)
    for _ in range(2):
        model.zero_grad()
        F.binary_cross_entropy_with_logits(model(image), image).backward()
    assert memory_pool.pool().reserved < 1.03 * memory_pool.pool().peak
