"""Cores and memory: the limits of a container count, in both versions of control groups."""

import math
import subprocess
import sys
from pathlib import Path

import pytest

from minunet import resources
from minunet.resources import available_memory, cpu_quota, share_cores, total_memory, usable_cpus

GB = 10**9


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Write files of a Linux system with 4 cores, 16 GB of memory and 12 GB of it available; takes path: text."""
    monkeypatch.setattr(resources, "ROOT", tmp_path)
    monkeypatch.setattr(resources, "_physical_memory", lambda: 16 * GB)
    for name in ("process_cpu_count", "cpu_count"):
        monkeypatch.setattr(f"os.{name}", lambda: 4, raising=False)
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {0, 1, 2, 3}, raising=False)

    def write(files):
        for path, text in {"proc/meminfo": f"MemFree: 1 kB\nMemAvailable: {12 * GB // 1024} kB\n", **files}.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)

    return write


def test_without_a_container_the_machine_is_the_limit(system):
    system({})
    assert usable_cpus() == 4
    assert total_memory() == 16 * GB
    assert available_memory() == 12 * GB // 1024 * 1024


@pytest.mark.parametrize(
    ("processes", "own"),
    [
        ([{0, 1, 2, 3}] * 2, 2),
        ([{0, 1, 2, 3}] * 3, 1),
        ([{0, 1, 2, 3}, {4, 5, 6, 7}], 4),
        ([{0}] * 8, 1),
        ([(), ()], 2),
    ],
)
def test_processes_that_work_together_divide_the_cores_that_they_have_in_common(system, monkeypatch, processes, own):
    monkeypatch.setattr(resources, "_sharing", (1, 1))
    system({})
    share_cores(processes)
    assert usable_cpus() == own


def test_processes_that_work_together_divide_the_quota_of_their_container(system, monkeypatch):
    monkeypatch.setattr(resources, "_sharing", (1, 1))
    system(
        {"proc/self/cgroup": "0::/mine\n", "sys/fs/cgroup/mine/cpu.max": "200000 100000\n"},
    )
    share_cores([{0, 1}, {2, 3}])
    assert usable_cpus() == 1


def test_the_quota_is_read_once_because_the_kernels_ask_at_every_call(system):
    quota = "sys/fs/cgroup/cpu.max"
    system({"proc/self/cgroup": "0::/\n", quota: "200000 100000\n"})
    assert usable_cpus() == 2
    system({quota: "100000 100000\n"})
    assert usable_cpus() == 2


def test_control_groups_version_2(system):
    system(
        {
            "proc/self/cgroup": "0::/jobs/mine\n",
            "sys/fs/cgroup/jobs/mine/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/jobs/mine/memory.max": "max\n",
            "sys/fs/cgroup/jobs/memory.max": f"{4 * GB}\n",
            "sys/fs/cgroup/jobs/memory.current": f"{3 * GB}\n",
            "sys/fs/cgroup/jobs/memory.stat": f"anon {2 * GB}\ninactive_file {GB}\n",
        }
    )
    assert usable_cpus() == 2
    assert total_memory() == 4 * GB
    assert available_memory() == 2 * GB


def test_control_groups_version_1_mounted_as_a_container_sees_them(system):
    system(
        {
            "proc/self/cgroup": "9:name=systemd:/\n4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n0::/\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{2 * GB}\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{GB}\n",
            "sys/fs/cgroup/memory/memory.stat": f"total_inactive_file {GB // 2}\n",
        }
    )
    assert usable_cpus() == 1
    assert total_memory() == 2 * GB
    assert available_memory() == 3 * GB // 2


def test_no_limit_is_no_limit(system):
    system(
        {
            "proc/self/cgroup": "4:memory:/\n2:cpu:/\n0::/\n",
            "sys/fs/cgroup/cpu.max": "max 100000\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{GB}\n",
        }
    )
    assert usable_cpus() == 4
    assert total_memory() == 16 * GB
    assert available_memory() == 12 * GB // 1024 * 1024


@pytest.mark.parametrize("text", ["", "0 0", "nonsense", "100000"])
def test_a_quota_that_cannot_be_read_is_none(tmp_path, text):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/\n")
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/cpu.max").write_text(text)
    assert cpu_quota(tmp_path) is None


def test_memory_beyond_the_limit_leaves_nothing(system):
    system(
        {
            "proc/self/cgroup": "0::/\n",
            "sys/fs/cgroup/memory.max": f"{GB}\n",
            "sys/fs/cgroup/memory.current": f"{2 * GB}\n",
        }
    )
    assert available_memory() == 0


def test_what_this_system_says_is_plausible():
    assert 1 <= usable_cpus() <= 100_000
    assert total_memory() is None or 2**26 < total_memory() < 10**14
    assert available_memory() is None or 0 <= available_memory() <= (total_memory() or math.inf)
    if sys.platform == "linux":
        assert total_memory() is not None and available_memory() is not None


@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="the system does not say how much memory is used")
def test_freed_memory_goes_back_to_the_system():
    """Many small arrays lie where glibc keeps their memory: below the last one, which is kept."""
    program = """
import numpy as np, platform
from minunet.resources import release_freed_memory
from minunet.runs.memory_plan import resident_memory
release_freed_memory()  # it can be called again
arrays = [np.ones(8000, np.uint8) for _ in range(10_000)]
last = np.ones(8000, np.uint8)
del arrays
before = resident_memory()
release_freed_memory()
print(before - resident_memory() if platform.libc_ver()[0] == "glibc" else 1e9)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert float(done.stdout) > 60e6
