"""Reads what the CUDA compiler made: registers and spills from its log, instructions from a disassembly."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """What one kernel takes."""

    name: str
    registers: int
    spilled_bytes: int


def usages(log: str) -> list[Usage]:
    """One entry per kernel in a log of `--ptxas-options=-v`."""
    found = []
    for part in log.split("Compiling entry function '")[1:]:
        name = part.split("'", 1)[0]
        registers = re.search(r"Used (\d+) registers", part)
        assert registers, f"the compiler's log says nothing of the registers of {name}"
        found.append(Usage(name, int(registers[1]), sum(map(int, re.findall(r"(\d+) bytes spill", part)))))
    return found


def complaints(log: str) -> list[str]:
    """Warnings, and the notes by which ptxas says that it gave up on an optimisation the kernel is built around."""
    return [line for line in log.splitlines() if re.search(r"warning|C7508|C7519|serialized", line, re.IGNORECASE)]


def disassembler() -> str | None:
    """The path of cuobjdump: on the PATH, or in NVIDIA's wheels (beside nvdisasm, which it calls)."""
    on_path = shutil.which("cuobjdump")
    if on_path:
        return on_path
    for package in ("nvidia.cu13", "nvidia.cuda_cuobjdump"):
        try:
            spec = importlib.util.find_spec(package)
        except ModuleNotFoundError:
            continue
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            path = Path(folder) / "bin" / "cuobjdump"
            if path.exists():
                return str(path)
    return None


def instructions(cubin: bytes, folder: Path) -> dict[str, list[str]]:
    """The instructions of each kernel, by mangled name, such as {"_Z5reluI..": ["LDG", "FADD", ...]}."""
    tool = disassembler()
    path = folder / "kernels.cubin"
    path.write_bytes(cubin)
    environment = {"PATH": f"{Path(tool).parent}:/usr/bin:/bin"}
    listing = subprocess.run(
        [tool, "-sass", str(path)], capture_output=True, text=True, check=True, env=environment
    ).stdout
    found = {}
    for part in listing.split("Function : ")[1:]:
        name, body = part.split("\n", 1)
        found[name.strip()] = re.findall(r"^\s+/\*[0-9a-f]+\*/\s+(?:@!?U?P\d+ )?([A-Z][A-Z0-9]*)", body, re.MULTILINE)
    return found
