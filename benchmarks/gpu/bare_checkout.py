"""Makes a checkout run that is not installed: its root on the path, and a replacement for a package that may be missing.

GPU machines for benchmarks often lack threadpoolctl. It only limits the threads of BLAS, on which no figure of a GPU depends.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class _NoLibraries:
    """A controller that knows no BLAS library."""

    lib_controllers: tuple[object, ...] = ()

    def select(self, **names: object) -> _NoLibraries:
        """The same."""
        return self


def prepare() -> list[str]:
    """Make minunet and the tests importable; returns the names of the packages that had to be replaced."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    if importlib.util.find_spec("threadpoolctl") is not None:
        return []
    replacement = types.ModuleType("threadpoolctl")
    replacement.ThreadpoolController = _NoLibraries
    replacement.LibController = object
    replacement.threadpool_info = list
    sys.modules["threadpoolctl"] = replacement
    return ["threadpoolctl"]
