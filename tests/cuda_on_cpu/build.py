"""Builds .cu files for the CPU with g++ and the host shim, and keeps the libraries by content."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

SHIM = Path(__file__).parent / "shim"
KERNELS = Path(__file__).parents[2] / "minunet" / "kernels" / "cuda"
BUILT = Path(__file__).parents[2] / ".pytest_cache" / "cuda_on_cpu"
# -O1 takes half the time of -O2 to compile and the simulations are short.
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
    "-Wno-psabi",  # how a TensorMap is passed by value is nobody else's business
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
    command += ["-include", "cuda_on_cpu.h", f"-I{SHIM}", f"-I{KERNELS}"]
    content = hashlib.sha256((wrapper + " ".join(command)).encode())
    for path in (source, *sorted(SHIM.glob("*.h")), *sorted(KERNELS.glob("*.cuh"))):
        content.update(path.read_bytes())
    library = BUILT / f"{source.stem}-{content.hexdigest()[:20]}.so"
    if library.exists():
        return library
    BUILT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILT) as folder:
        written, made = Path(folder) / "wrapper.cpp", Path(folder) / "made.so"
        written.write_text(wrapper)
        environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}  # no sanitizer in g++
        done = subprocess.run(
            [*command, str(written), "-o", str(made)], capture_output=True, text=True, env=environment
        )
        if done.returncode:
            raise RuntimeError(f"g++ does not build {source.name}:\n{done.stderr[-6000:]}")
        if done.stderr.strip():
            raise RuntimeError(f"g++ warns about {source.name}:\n{done.stderr[-6000:]}")
        os.replace(made, library)
    return library


def sanitizer_library() -> str | None:
    """The path of AddressSanitizer's run-time library, which a process must preload, or None."""
    if compiler() is None:
        return None
    found = subprocess.run(
        [str(compiler()), "-print-file-name=libasan.so"], capture_output=True, text=True
    ).stdout.strip()
    return found if os.path.isabs(found) else None
