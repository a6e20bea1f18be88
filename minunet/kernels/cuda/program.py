"""A program: one .cu file and the template instances of its kernels.

The compiler, the tests that compile every kernel, and the host shim all read this list of instances.
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
        The largest number of registers that a thread may use; the compile tests check every instance.
    architecture : int
        The lowest compute capability that has its instructions, times ten (70, 80, 90).
    architecture_specific : bool
        Whether it uses instructions of only this architecture, which newer ones lack (for sm_90a: wgmma). It is compiled only for
        this architecture and runs only there.
    tensor_cores : bool
        Whether the machine code of its instances must have tensor-core instructions, which the compile tests check.
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
            raise ValueError(f"{self.source} has an instance twice")
        _PROGRAMS[self.source] = self

    @property
    def path(self) -> Path:
        """The .cu file."""
        return FOLDER / self.source

    def target(self, architecture: str) -> str:
        """The compiler's target on a GPU of this architecture: the same, or such as "sm_90a" if the program is specific to it."""
        return f"{architecture}a" if self.architecture_specific else architecture

    def digest(self, instances: tuple[str, ...]) -> str:
        """A hash of everything that the machine code of these instances depends on: their names, the .cu file and every header."""
        content = hashlib.sha256("\n".join(instances).encode())
        for path in (self.path, *sorted(FOLDER.glob("*.cuh"))):
            content.update(path.name.encode() + path.read_bytes())
        return content.hexdigest()[:24]


def programs() -> tuple[Program, ...]:
    """Every program declared so far, by file name."""
    return tuple(_PROGRAMS[name] for name in sorted(_PROGRAMS))
