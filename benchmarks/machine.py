"""The machine that a figure was measured on: processor, threads, versions of libraries, commit."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import threadpoolctl

import minunet
from minunet.resources import usable_cpus

PACKAGES = ("numpy", "torch", "onnxruntime", "openvino", "cupy-cuda12x", "cupy-cuda13x")
CHECKOUT = Path(__file__).resolve().parent.parent


def describe_machine() -> dict[str, Any]:
    """Processor, cores, versions, BLAS, threads, commit and date, for a JSON file."""
    return {
        "processor": processor(),
        "cores": usable_cpus(),
        "python": platform.python_version(),
        "minunet": minunet.__version__,
        "commit": commit(),
        "threads": minunet.get_num_threads(),
        "packages": {name: version for name in PACKAGES if (version := installed(name))},
        "blas": [
            {key: info.get(key) for key in ("internal_api", "version", "architecture", "num_threads")}
            for info in threadpoolctl.threadpool_info()
            if info["user_api"] == "blas"
        ],
        "date": time.strftime("%Y-%m-%d"),
    }


def processor() -> str:
    """The name of the processor, with its family and model, because virtual machines often change the name."""
    try:
        fields = dict(
            tuple(part.strip() for part in line.split(":", 1))
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0].splitlines()
            if ":" in line
        )
        return f"{fields['model name']}, family {fields['cpu family']}, model {fields['model']}"
    except (OSError, KeyError, ValueError):
        return platform.processor() or platform.machine()


def installed(package: str) -> str | None:
    """The installed version, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def commit(root: Path = CHECKOUT) -> str:
    """The commit of the working tree, with "-dirty" if files differ from it; "unknown" outside of a checkout.

    Differences in benchmarks/results do not count, because other benchmarks write there.
    """

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout.strip()

    try:
        name = git("describe", "--always", "--abbrev=12")
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":(exclude)benchmarks/results")
        return f"{name}-dirty" if changed else name
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


SGEMM_GFLOP = 2 * 1024**3 / 1e9


def sgemm() -> Callable[[], Any]:
    """A callable that multiplies two float32 matrices of 1024x1024 on all cores, the peak of the machine: `SGEMM_GFLOP` of work."""
    a = np.ones((1024, 1024), np.float32)
    out = np.empty_like(a)
    return lambda: np.matmul(a, a, out=out)
