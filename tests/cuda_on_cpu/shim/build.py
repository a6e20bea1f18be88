"""Builds .cu files for the CPU with g++ and the headers of the host shim, and keeps the libraries by content."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
INCLUDE = Path(__file__).parent / "include"
KERNELS = ROOT / "minunet" / "kernels" / "cuda"
CACHE = ROOT / ".pytest_cache" / "cuda_on_cpu"
# -O1 compiles in half the time of -O2, and the simulations are short.
FLAGS = (
    "-std=c++17",
    "-O1",
    "-g0",
    "-fPIC",
    "-shared",
    "-x",
    "c++",
    "-Wall",
    "-Wno-unknown-pragmas",
    "-Wno-unused-variable",
    "-Wno-psabi",  # about how a TensorMap is passed by value, which no other library relies on
)
ADDRESS_SANITIZER = ("-fsanitize=address", "-fno-omit-frame-pointer")


def compiler() -> str | None:
    """The C++ compiler, or None."""
    return shutil.which("g++")


def build(source: Path, instances: list[str], *, sanitize: bool = False, defines: tuple[str, ...] = ()) -> Path:
    """A shared library that exports kernel_0, kernel_1, ..., one per instance of the source file's kernels.

    Raises
    ------
    RuntimeError
        If g++ refuses the source; the message is its output.
    """
    exports = "\n".join(f"SHIM_EXPORT(kernel_{k}, {instance})" for k, instance in enumerate(instances))
    wrapper = f'#include "{source}"\n{exports}\n'
    command = [str(compiler()), *FLAGS, *(ADDRESS_SANITIZER if sanitize else ()), *(f"-D{name}" for name in defines)]
    command += ["-include", "cuda_on_cpu.h", f"-I{INCLUDE}", f"-I{KERNELS}"]
    content = hashlib.sha256((wrapper + " ".join(command)).encode())
    for path in (source, *sorted(INCLUDE.glob("*.h")), *sorted(KERNELS.glob("*.cuh"))):
        content.update(path.read_bytes())
    library = CACHE / f"{source.stem}-{content.hexdigest()[:20]}.so"
    if library.exists():
        return library
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        wrapper_file, built = Path(folder) / "wrapper.cpp", Path(folder) / "kernels.so"
        wrapper_file.write_text(wrapper)
        environment = {
            name: value for name, value in os.environ.items() if name != "LD_PRELOAD"
        }  # g++ itself runs without sanitizer
        process = subprocess.run(
            [*command, str(wrapper_file), "-o", str(built)], capture_output=True, text=True, env=environment
        )
        if process.returncode:
            raise RuntimeError(f"g++ does not build {source.name}:\n{process.stderr[-6000:]}")
        if process.stderr.strip():
            raise RuntimeError(f"g++ warns about {source.name}:\n{process.stderr[-6000:]}")
        os.replace(built, library)
    return library


def sanitizer_library() -> str | None:
    """The path of AddressSanitizer's run-time library, which a process must load first (LD_PRELOAD), or None."""
    if compiler() is None:
        return None
    path = subprocess.run(
        [str(compiler()), "-print-file-name=libasan.so"], capture_output=True, text=True
    ).stdout.strip()
    return path if os.path.isabs(path) else None
