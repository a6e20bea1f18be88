"""A program: one .cu file and the template instances of its kernels that are compiled, launched and tested.

The list is the single source: the GPU compiler, the compile tests and the host shim all read it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
_PROGRAMS: dict[str, Program] = {}


@dataclass(frozen=True)
class Program:
    """A .cu file and its instances.

    Attributes
    ----------
    source : str
        File name in this folder, such as "pooling.cu".
    instances : tuple of str
        C++ expressions that name kernels, such as "max_pool<float, unsigned char>".
    registers : int
        The most registers a thread of any of them may take; the compile test holds every instance to it.
    architecture : int
        The oldest compute capability whose instructions it uses, times ten (70, 80, 90).
    architecture_specific : bool
        Whether it uses instructions that only this very architecture has, no newer one (sm_90a's bulk copies into barriers and
        warpgroup products): it is compiled for, and runs on, nothing else.
    tensor_cores : bool
        Whether its instances must contain tensor-core instructions.
    """

    source: str
    instances: tuple[str, ...]
    registers: int = 128
    architecture: int = 70
    tensor_cores: bool = False
    architecture_specific: bool = False

    def __post_init__(self) -> None:
        if self.source in _PROGRAMS:
            raise ValueError(f"{self.source} is declared twice")
        if len(set(self.instances)) != len(self.instances):
            raise ValueError(f"{self.source} names an instance twice")
        _PROGRAMS[self.source] = self

    @property
    def path(self) -> Path:
        """The .cu file."""
        return FOLDER / self.source

    def target(self, architecture: str) -> str:
        """What to compile it for on a GPU of this architecture: "sm_90" itself, or "sm_90a" where it is specific to that."""
        return f"{architecture}a" if self.architecture_specific else architecture

    def digest(self, instances: tuple[str, ...]) -> str:
        """A hash of everything that these instances' compiled code depends on: them, this file, and every header."""
        content = hashlib.sha256("\n".join(instances).encode())
        for path in (self.path, *sorted(FOLDER.glob("*.cuh"))):
            content.update(path.name.encode() + path.read_bytes())
        return content.hexdigest()[:24]


def programs() -> tuple[Program, ...]:
    """Every program declared so far, by file name."""
    return tuple(_PROGRAMS[name] for name in sorted(_PROGRAMS))
