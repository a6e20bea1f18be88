"""Compiles a program with NVRTC to machine code for one GPU architecture, and keeps the result on disk by content.

It calls CuPy's binding of NVRTC directly and needs no driver, so a machine without a GPU compiles exactly what a GPU runs.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from minunet.kernels.cuda.program import FOLDER, Program

OPTIONS = ("--std=c++17", "--ptxas-options=-v", f"--include-path={FOLDER}")


class CompileError(RuntimeError):
    """A kernel did not compile; the message holds the compiler's log."""


@dataclass(frozen=True)
class CompiledProgram:
    """Machine code.

    Attributes
    ----------
    cubin : bytes
        The code that the CUDA driver loads.
    names : dict
        From instance to the mangled name in the cubin.
    log : str
        The output of the compiler: registers and spills of every kernel, and warnings.
    """

    cubin: bytes
    names: dict[str, str]
    log: str


def compile_program(
    program: Program, architecture: str, cache: Path | None = None, instances: tuple[str, ...] | None = None
) -> CompiledProgram:
    """The machine code of a program, from the cache if it is there.

    Parameters
    ----------
    architecture : str
        "sm_80", "sm_90", "sm_90a", ...
    cache : Path, optional
        The folder of the cache; by default `cache_folder()`.
    instances : tuple of str, optional
        Instances of the program to compile; by default all of them.

    Raises
    ------
    CompileError
        If the program is not for this architecture, if NVRTC is missing, or if the source does not compile; the message then
        holds the compiler's log.
    """
    if program.architecture_specific and architecture != f"sm_{program.architecture}a":
        raise CompileError(
            f"{program.source} runs only on a GPU of sm_{program.architecture} (sm_{program.architecture}a), "
            f"this is {architecture}"
        )
    if int(architecture[3:].rstrip("af")) < program.architecture:
        raise CompileError(
            f"{program.source} needs a GPU of at least sm_{program.architecture}, this is {architecture}"
        )
    folder = cache_folder() if cache is None else cache
    instances = program.instances if instances is None else instances
    name = f"{program.path.stem}-{architecture}-{_compiler_version()}-{program.digest(instances)}"
    compiled = _read(folder, name)
    if compiled is None:
        compiled = _compile(program, architecture, instances)
        with contextlib.suppress(OSError):  # without a cache the program only takes more time
            _write(folder, name, compiled)
    return compiled


def cache_folder() -> Path:
    """The folder that MINUNET_CUDA_CACHE names, or minunet/cuda in the user's cache folder."""
    path = os.environ.get("MINUNET_CUDA_CACHE")
    if path:
        return Path(path)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "minunet" / "cuda"


def nvrtc() -> ModuleType:
    """CuPy's binding of NVRTC; raises CompileError if it does not load."""
    try:
        from cupy.cuda import nvrtc as binding

        binding.getVersion()  # loads the library itself
    except Exception as error:  # CuPy's loaders raise various types
        raise CompileError(
            f"NVRTC, the CUDA run-time compiler, does not load ({error}); it comes with the CUDA toolkit, "
            "or with: pip install 'nvidia-cuda-nvrtc==13.0.*' (for cupy-cuda13x)"
        ) from error
    return binding


def _compiler_version() -> str:
    return ".".join(map(str, nvrtc().getVersion()))


def _compile(program: Program, architecture: str, instances: tuple[str, ...]) -> CompiledProgram:
    compiler = nvrtc()
    handle = compiler.createProgram(program.path.read_text(encoding="utf-8"), program.source, [], [])
    try:
        for instance in instances:
            compiler.addNameExpression(handle, instance)
        try:
            compiler.compileProgram(handle, [*OPTIONS, f"--gpu-architecture={architecture}"])
        except compiler.NVRTCError as error:
            log = compiler.getProgramLog(handle)
            raise CompileError(f"{program.source} does not compile for {architecture}: {error}\n{log}") from error
        # CuPy's getCUBIN leaves out the last byte, which is zero.
        cubin = bytes(compiler.getCUBIN(handle)) + b"\0"
        names = {instance: compiler.getLoweredName(handle, instance) for instance in instances}
        return CompiledProgram(cubin, names, compiler.getProgramLog(handle))
    finally:
        compiler.destroyProgram(handle)


def _read(folder: Path, name: str) -> CompiledProgram | None:
    try:
        described = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        cubin = (folder / f"{name}.cubin").read_bytes()
    except (OSError, ValueError):
        return None
    if len(cubin) != described["bytes"]:
        return None  # truncated by a full disk
    return CompiledProgram(cubin, described["names"], described["log"])


def _write(folder: Path, name: str, compiled: CompiledProgram) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    described = {"bytes": len(compiled.cubin), "names": compiled.names, "log": compiled.log}
    _replace(folder / f"{name}.cubin", compiled.cubin)
    _replace(folder / f"{name}.json", json.dumps(described).encode())


def _replace(path: Path, content: bytes) -> None:
    """Write to a temporary file and rename it, so that another process never reads half a file."""
    number, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(number, "wb") as file:
        file.write(content)
    os.replace(temporary, path)
