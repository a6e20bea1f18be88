"""Ranges of addresses: what the system provides, takes back, and counts."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minunet.kernels.cpu import address_space as spaces
from minunet.kernels.cpu.address_space import ALIGNMENT, AddressSpace, LargeAddressSpace, address_space

MEGABYTE = 1 << 20
without_free_addresses = pytest.mark.skipif(
    not spaces.are_addresses_free(), reason="this system counts addresses before they are used"
)


def values(space):
    return np.frombuffer(space.memory, np.uint8)


def resident():
    """Bytes that the system has provided to this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("size", [1, 4096, 3 * MEGABYTE + 64])
@pytest.mark.parametrize("kind", [AddressSpace, address_space])
def test_memory_is_aligned_and_can_be_written_to(kind, size):
    memory = values(kind(size))
    assert len(memory) >= size
    assert memory.ctypes.data % ALIGNMENT == 0
    memory[:size] = 7
    assert (memory[:size] == 7).all()


@without_free_addresses
def test_a_range_is_as_large_as_the_memory_of_the_machine_and_takes_none_of_it():
    before = resident()
    space = address_space(MEGABYTE)
    assert isinstance(space, LargeAddressSpace)
    assert len(space.memory) > spaces.total_memory() - ALIGNMENT
    assert len(address_space(MEGABYTE, 2 * MEGABYTE).memory) == 2 * MEGABYTE
    assert resident() - before < MEGABYTE
    values(space)[: 64 * MEGABYTE] = 1
    assert resident() - before > 60 * MEGABYTE


@without_free_addresses
def test_pages_go_back_to_the_system_and_others_keep_their_values():
    space = address_space(MEGABYTE)
    memory = values(space)
    memory[: 64 * MEGABYTE] = 1
    before = resident()
    space.give_back(MEGABYTE + 1, 63 * MEGABYTE - 1)
    assert before - resident() > 50 * MEGABYTE
    for kept in (slice(0, MEGABYTE + 1), slice(63 * MEGABYTE - 1, 64 * MEGABYTE)):
        assert (memory[kept] == 1).all()
    assert not memory[2 * MEGABYTE : 62 * MEGABYTE].any()


@without_free_addresses
def test_a_child_can_be_forked_whatever_addresses_are_in_use_and_has_a_copy():
    kept = [address_space(MEGABYTE) for _ in range(20)]  # far more than the machine has
    memory = values(kept[0])
    memory[:10] = 1
    child = os.fork()
    if child == 0:
        memory[:10] = 2
        os._exit(int(memory[:10].sum()))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 20
    assert memory[:10].sum() == 10


@pytest.mark.parametrize("refusal", ["rules", "memory"])
def test_where_addresses_count_only_what_is_needed_is_taken(monkeypatch, refusal):
    if refusal == "rules":
        monkeypatch.setattr(spaces, "are_addresses_free", lambda: False)
        monkeypatch.setattr(spaces, "free_addresses", spaces.free_addresses.__wrapped__)  # not as it was asked before
    else:
        monkeypatch.setattr(spaces, "LargeAddressSpace", refuse)
    space = address_space(MEGABYTE)
    assert not space.gives_back_parts
    assert len(space.memory) == MEGABYTE


def refuse(size):
    raise OSError(12, "Cannot allocate memory")


@without_free_addresses
def test_a_limit_on_addresses_is_respected():
    code = "from minunet.kernels.cpu.address_space import address_space; print(len(address_space(4096).memory))"
    limits = "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 34, 1 << 34)); "
    done = subprocess.run([sys.executable, "-c", limits + code], capture_output=True, text=True, check=True)
    assert done.stdout == "4096\n"
