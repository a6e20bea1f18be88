"""Compiles a program with NVRTC into machine code for one GPU architecture, and keeps the result on disk by content.

It calls CuPy's binding of NVRTC directly and needs no driver, so that a machine without a GPU compiles exactly what one with a
GPU runs.
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
class Compiled:
    """Machine code.

    Attributes
    ----------
    cubin : bytes
        What the CUDA driver loads.
    names : dict
        From instance to the mangled name in the cubin.
    log : str
        What the compiler said: registers and spills of every kernel, and any warning.
    """

    cubin: bytes
    names: dict[str, str]
    log: str


def compile_program(
    program: Program, architecture: str, cache: Path | None = None, instances: tuple[str, ...] | None = None
) -> Compiled:
    """The program's machine code, from the cache where it is there.

    Parameters
    ----------
    architecture : str
        "sm_80", "sm_90", "sm_90a", ...
    cache : Path, optional
        The folder that keeps cubins; by default `cache_folder()`.
    instances : tuple of str, optional
        Some of the program's; all of them by default.

    Raises
    ------
    CompileError
        If the program is not for this architecture, or NVRTC is missing or refuses the source; the message holds its log.
    """
    if program.architecture_specific and architecture != f"sm_{program.architecture}a":
        raise CompileError(
            f"{program.source} is for a GPU of sm_{program.architecture} alone (sm_{program.architecture}a), "
            f"this is {architecture}"
        )
    if int(architecture[3:].rstrip("af")) < program.architecture:
        raise CompileError(
            f"{program.source} needs a GPU of at least sm_{program.architecture}, this is {architecture}"
        )
    folder = cache_folder() if cache is None else cache
    wanted = program.instances if instances is None else instances
    name = f"{program.path.stem}-{architecture}-{_compiler_version()}-{program.digest(wanted)}"
    kept = _read(folder, name)
    if kept is None:
        kept = _compile(program, architecture, wanted)
        with contextlib.suppress(OSError):  # a cache that cannot be written costs time, nothing else
            _write(folder, name, kept)
    return kept


def cache_folder() -> Path:
    """MINUNET_CUDA_CACHE, or minunet/cuda in the user's cache folder."""
    given = os.environ.get("MINUNET_CUDA_CACHE")
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "minunet" / "cuda"


def _nvrtc() -> ModuleType:
    try:
        from cupy.cuda import nvrtc

        nvrtc.getVersion()  # the library itself is loaded here
    except Exception as error:  # CuPy's loaders raise their own types
        raise CompileError(
            f"NVRTC, the CUDA run-time compiler, does not load ({error}); it comes with the CUDA toolkit, "
            "or with: pip install 'nvidia-cuda-nvrtc==13.0.*' (for cupy-cuda13x)"
        ) from error
    return nvrtc


def _compiler_version() -> str:
    return ".".join(map(str, _nvrtc().getVersion()))


def _compile(program: Program, architecture: str, instances: tuple[str, ...]) -> Compiled:
    nvrtc = _nvrtc()
    handle = nvrtc.createProgram(program.path.read_text(encoding="utf-8"), program.source, [], [])
    try:
        for instance in instances:
            nvrtc.addNameExpression(handle, instance)
        try:
            nvrtc.compileProgram(handle, [*OPTIONS, f"--gpu-architecture={architecture}"])
        except nvrtc.NVRTCError as error:
            log = nvrtc.getProgramLog(handle)
            raise CompileError(f"{program.source} does not compile for {architecture}: {error}\n{log}") from error
        # CuPy's getCUBIN leaves out the last byte, which is zero.
        cubin = bytes(nvrtc.getCUBIN(handle)) + b"\0"
        names = {instance: nvrtc.getLoweredName(handle, instance) for instance in instances}
        return Compiled(cubin, names, nvrtc.getProgramLog(handle))
    finally:
        nvrtc.destroyProgram(handle)


def _read(folder: Path, name: str) -> Compiled | None:
    try:
        described = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        cubin = (folder / f"{name}.cubin").read_bytes()
    except (OSError, ValueError):
        return None
    if len(cubin) != described["bytes"]:
        return None  # cut short by a full disk
    return Compiled(cubin, described["names"], described["log"])


def _write(folder: Path, name: str, compiled: Compiled) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    described = {"bytes": len(compiled.cubin), "names": compiled.names, "log": compiled.log}
    _replace(folder / f"{name}.cubin", compiled.cubin)
    _replace(folder / f"{name}.json", json.dumps(described).encode())


def _replace(path: Path, content: bytes) -> None:
    """Write beside and move over, so that another process never reads half a file."""
    number, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(number, "wb") as file:
        file.write(content)
    os.replace(temporary, path)
